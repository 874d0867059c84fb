"""The ASGI application: what daphne and uvicorn run."""

from __future__ import annotations

import os
from typing import Any, cast

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_asgi_application()

# Django must be set up first
from config.exposition import MetricsDoor  # noqa: E402
from config.gate import App, BodyGate, Message, Receive, Send, SocketGate, refuse_socket  # noqa: E402
from jobs.event_socket import event_socket  # noqa: E402
from voice.realtime.sockets import live_socket  # noqa: E402
from voice.speech_stream.sockets import speech_socket  # noqa: E402

SOCKETS: dict[str, App] = {
    "/v1/events": event_socket,
    "/v1/audio/speech/stream": speech_socket,
    "/v1/realtime": live_socket,
    "/ws/voice": live_socket,
}


async def _sockets(scope: Message, receive: Receive, send: Send) -> None:
    await SOCKETS.get(scope["path"], refuse_socket)(scope, receive, send)


application: Any = ProtocolTypeRouter(
    {
        "http": MetricsDoor(BodyGate(cast(App, _django))),
        "websocket": SocketGate(_sockets, SOCKETS),
    }
)
