"""The settings, and what of them is unsafe."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import django
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from config.doctor.findings import IMPORTING, Finding, check, failure, warning, well

PRODUCTION = "production"


@check("settings", limit=IMPORTING)
def readable() -> Iterator[Finding]:
    """The environment is read and the project comes up."""
    try:
        environment = settings.ENV
        if not apps.ready:
            django.setup()
    except ImproperlyConfigured as error:
        yield failure(" ".join(str(error).split()), "Correct these variables, in the environment or in .env.")
    except OSError as error:
        advice = "See that DATA_DIR belongs to whoever runs this, and that its disk is not full or read-only."
        yield failure(f"{error.filename}: {error.strerror}.", advice)
    else:
        shape = "embedded: one process" if settings.EMBEDDED else "deployed: web and workers apart"
        yield well(f"{environment.environment.value}, {shape}.")


@check("secret", needs=("settings",))
def secret() -> Iterator[Finding]:
    if settings.ENV.secret_key:
        yield well("SECRET_KEY is set.")
        return
    path = Path(settings.DATA_DIR) / "secret"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield failure("Others may read the secret key in DATA_DIR.", f"`chmod 600 {path}`")
    elif not settings.EMBEDDED:
        advice = "Set SECRET_KEY, the same on every machine, or each refuses the tokens of the others."
        yield warning("The secret key is one that this machine made for itself.", advice)
    else:
        yield well("The secret key is kept in DATA_DIR.")


@check("addresses", needs=("settings",))
def addresses() -> Iterator[Finding]:
    known = settings.ENV
    if known.environment != PRODUCTION:
        yield well(f"Answers to {', '.join(known.allowed_hosts)}.")
        return
    if not set(known.allowed_hosts) - {"localhost", "127.0.0.1", "[::1]"}:
        yield warning("ALLOWED_HOSTS names this machine only.", "Name the hosts that clients ask for.")
    if not known.trusted_proxies:
        advice = "Name the proxy's address in TRUSTED_PROXIES: without it all clients share one rate limit, and HTTPS is not seen."
        yield warning("No proxy is trusted.", advice)
    elif wide := [str(network) for network in known.proxies if network.prefixlen == 0]:
        yield failure(f"TRUSTED_PROXIES has {', '.join(wide)}: everybody may claim any address.", "Name the proxy's address alone.")
    if plain := [origin for origin in known.trusted_origins if not origin.startswith("https://")]:
        yield failure(f"TRUSTED_ORIGINS has {', '.join(plain)}.", "Write https:// origins: over plain HTTP a session can be taken.")
    elif not known.trusted_origins:
        yield warning("TRUSTED_ORIGINS is empty.", "Name the admin's origin, such as https://voice.example, or its forms are refused.")
    else:
        yield well(f"Answers to {', '.join(known.allowed_hosts)}.")


@check("django", needs=("settings",), limit=IMPORTING)
def system() -> Iterator[Finding]:
    """Django's own checks, in production those of deployment too."""
    production = settings.ENV.environment == PRODUCTION
    told = [message for message in checks.run_checks(include_deployment_checks=production) if not message.is_silenced()]
    for message in told:
        advice = message.hint or "`manage.py check --deploy` says more."
        found = failure if message.level >= checks.ERROR else warning
        yield found(f"{message.msg} ({message.id})", advice)
    if not told:
        yield well(f"`manage.py check{' --deploy' if production else ''}` has nothing to say.")


@check("root", needs=("settings",))
def root() -> Iterator[Finding]:
    if os.geteuid() == 0 and settings.ENV.environment == PRODUCTION:
        yield warning("This runs as root.", "Run it as a user of its own, who owns DATA_DIR and nothing else.")
