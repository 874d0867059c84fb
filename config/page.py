"""The page for people: it speaks, listens and talks by the same calls as any other client, with a key that its reader gives it."""

from __future__ import annotations

from django.http import HttpRequest
from django.template.response import TemplateResponse

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",  # outputs, by links that run out
        "connect-src 'self'",  # sockets of the same host among it
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
# nothing inline and nothing from elsewhere: a key is typed in here
HEADERS = {"Content-Security-Policy": POLICY, "Permissions-Policy": "microphone=(self), camera=(), geolocation=()"}


def page(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, "page.html", headers=HEADERS)
