"""The ASGI application: what daphne and uvicorn run."""

from __future__ import annotations

import os
from typing import Any, cast

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_asgi_application()

from config.gate import App, BodyGate, refuse_socket  # noqa: E402  -- Django must be set up first

application: Any = ProtocolTypeRouter(
    {
        "http": BodyGate(cast(App, _django)),
        "websocket": refuse_socket,
    }
)
