"""What the admin's pages may load and do: files of this host's, and as little else as the theme works with."""

from __future__ import annotations

POLICY = "; ".join(
    [
        "default-src 'self'",
        # Alpine, on which the theme is built, makes functions of its attributes: `x-show="open"`. Nothing inline runs
        "script-src 'self' 'unsafe-eval'",
        "style-src 'self'",
        # the theme's templates have a few style attributes, and htmx and the charts measure with them; no <style> is let in
        "style-src-attr 'unsafe-inline'",
        # arrows within the theme's style sheet are data: addresses
        "img-src 'self' data:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "microphone=(), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
