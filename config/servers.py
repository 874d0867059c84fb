"""The two ASGI servers that we run, with the settings that matter to us."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, ClassVar

import uvicorn
from channels.routing import ProtocolTypeRouter
from daphne.http_protocol import WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from jobs.admission import stopping
from jobs.closing import POLICY_VIOLATION
from jobs.rates import Bucket

SOCKET_MESSAGE_BYTES = 1_048_576
PING_SECONDS = 20
# of silence after which a client is asked whether it is still there, and that it may take to answer
PINGS = (10, 100)
# of a client's: a second, and at once. Both servers answer each, and hold the answers that it does not read
ABORT_SECONDS = 5
# that a client has to take what it is closed with
HEADER_BYTES = 16_384
HANDOVER_SECONDS = 1.0
# between the last connection that is let in and the end of those that ask for nothing
DRAIN_SECONDS = 30
# how long requests may go on after the signal to end
TOO_MANY_PINGS = "too_many_pings"
UNSENT_BYTES = 1 << 20
# of one client's that daphne may hold; beyond it whoever sends waits
UNSENT_LOOK = 0.01
# seconds between two looks at them


def run_daphne(application: ProtocolTypeRouter, *, host: str, port: int, ready: Callable[[], None]) -> None:
    WebRequest.handle_exception = _cut
    WebSocketProtocol.serverClose = _close
    WebSocketProtocol.onPing = _answer_ping
    Paced(
        application,
        endpoints=[f"tcp:port={port}:interface={host.replace(':', chr(92) + ':')}"],
        ready_callable=ready,
        websocket_max_message_size=SOCKET_MESSAGE_BYTES,
        websocket_max_frame_size=SOCKET_MESSAGE_BYTES,
        ping_interval=PING_SECONDS,
        ping_timeout=PING_SECONDS,
        server_name=None,
        verbosity=1,
    ).run()


def run_uvicorn(application: ProtocolTypeRouter, *, host: str, port: int, ready: Callable[[], None]) -> None:
    class Announced(uvicorn.Server):
        _late: ClassVar[list[asyncio.Task[Any]]] = []

        async def startup(self, sockets: list[Any] | None = None) -> None:
            await super().startup(sockets)
            ready()

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            stopping.set()
            super().handle_exit(sig, frame)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            self._take_who_waits(sockets or [])
            # who was let in has yet to say what he wants
            await asyncio.sleep(HANDOVER_SECONDS)
            await super().shutdown(sockets)

        def _take_who_waits(self, listeners: list[socket.socket]) -> None:
            """Let in who has connected, and nobody more. uvicorn's own way resets them, and a proxy may not send a POST twice."""
            loop = asyncio.get_running_loop()
            for listener in listeners:
                loop.remove_reader(listener)
                with suppress(BlockingIOError):
                    while True:
                        connection, _ = listener.accept()
                        self._late.append(loop.create_task(loop.connect_accepted_socket(self._protocol, connection)))
            for server in self.servers:
                server.close()

        def _protocol(self) -> asyncio.Protocol:
            protocol: asyncio.Protocol = config.http_protocol_class(
                config=config,  # type: ignore[call-arg]  # as uvicorn makes them
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )
            return protocol

    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws=MeasuredSocket,
        ws_max_size=SOCKET_MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    # uvicorn sends itself the signal once more when it has ended; the workers are still to be ended then
    signal.signal(signal.SIGTERM, lambda *_: None)
    Announced(config).run(sockets=[config.bind_socket()])


class MeasuredSocket(WebSocketsSansIOProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._pings = Bucket(*PINGS)

    def handle_ping(self) -> None:
        if self.close_sent:
            return
        if self._pings.take(1, time.monotonic()):
            super().handle_ping()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": TOO_MANY_PINGS})
        self.conn.fail(POLICY_VIOLATION, TOO_MANY_PINGS)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self.loop.call_later(ABORT_SECONDS, self.transport.abort)


class Paced(Server):  # type: ignore[misc]  # daphne has no types
    """daphne takes whatever it is given to send at once, and holds it until the client takes it, however much that is. Here whoever
    sends waits, as with uvicorn."""

    async def handle_reply(self, protocol: WebRequest | WebSocketProtocol, message: dict[str, Any]) -> None:
        await super().handle_reply(protocol, message)
        while _unsent(protocol) > UNSENT_BYTES:  # noqa: ASYNC110  -- Twisted's only word for it is a producer, and the transport has one
            await asyncio.sleep(UNSENT_LOOK)


def _unsent(protocol: WebRequest | WebSocketProtocol) -> int:
    """Bytes that were given to the connection and that the system has not taken yet; none when it is closed."""
    holder = getattr(protocol, "channel", None) if isinstance(protocol, WebRequest) else protocol  # a finished request has none
    transport = getattr(holder, "transport", None)
    if transport is None or not transport.connected:
        return 0
    return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)


def _close(protocol: WebSocketProtocol, code: int | None = None) -> None:
    """What daphne does when the application closes a socket. Its own way refuses all of the protocol's codes but 1000."""
    protocol.sendCloseFrame(code=code or 1000)


def _answer_ping(protocol: WebSocketProtocol, payload: bytes) -> None:
    """What daphne does with a client's ping. Its own way answers any number of them."""
    if protocol.state != protocol.STATE_OPEN:
        return
    if not hasattr(protocol, "pings"):
        protocol.pings = Bucket(*PINGS)
    if protocol.pings.take(1, time.monotonic()):
        protocol.sendPong(payload)
        return
    protocol.sendCloseFrame(code=POLICY_VIOLATION)
    protocol.factory.reactor.callLater(ABORT_SECONDS, protocol.transport.abortConnection)


def _cut(request: WebRequest, _exception: BaseException) -> None:
    """What daphne does when the application raises. Its own way starts a second response where one has begun: that raises within
    the loop that looks after every request, which then never runs again, and the client waits for ever. A response that can't be
    finished must end as an error on the wire: the connection is cut, without the last chunk."""
    if request._response_started:
        request.channel.transport.abortConnection()
    else:
        request.basic_error(500, b"Internal Server Error", "Exception inside application.")


SERVERS = {"daphne": run_daphne, "uvicorn": run_uvicorn}
