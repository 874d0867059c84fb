"""An open socket: performs what its session wants done, and tells it what came of that."""

from __future__ import annotations

import asyncio
import binascii
import time
from collections import deque
from contextlib import suppress
from typing import Any, NoReturn

import structlog
from django.db import InterfaceError, OperationalError
from pydantic_core import to_json

from accounts.errors import InsufficientQuota
from accounts.models import Scope
from config.errors import Refusal, Unavailable
from jobs import closing
from jobs.closing import Closed
from jobs.doors import Visit
from jobs.errors import InvalidState
from jobs.open_socket import Limits, OpenSocket
from voice.audio.pcm import RATE
from voice.errors import NothingToSpeak
from voice.speech_stream.encoding import Encoding
from voice.speech_stream.messages import Append, Cancel, End, Flush, Message, Start, named_here, understood
from voice.speech_stream.session import Effect, Piece, Session, Sound, told
from voice.speech_stream.work import Reader

log = structlog.get_logger("speech_stream")

START_PATIENCE = 5.0
# seconds that a client has to say who is to speak
LIMITS = Limits(largest=65_536, messages=(250, 1000), bytes=(32_768, 262_144))
# a language model's words, three characters at a time
MOST_WAITING = 1000
# answers made and not sent: then the client does not read, and is let go


class SpeechStream(OpenSocket):
    """An open socket with one more task for each piece that is spoken."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, Scope.SPEECH, LIMITS)
        self._session: Session | None = None
        # none before the client has said who is to speak
        self._reader: Reader
        self._encoding: Encoding
        self._speaking: set[asyncio.Task[None]] = set()
        self._answers: deque[dict[str, Any]] = deque()
        # go before what is spoken
        self._more = asyncio.Event()
        # to send

    async def run(self) -> Closed:
        try:
            return await super().run()
        finally:
            if self._session is not None:
                await self._encoding.close()

    # what comes in

    async def _read(self) -> NoReturn:
        try:
            async with asyncio.timeout(START_PATIENCE) as patience:
                while True:
                    await self._obey(await self._text())
                    if self._session is not None:
                        patience.reschedule(None)
        except TimeoutError:
            raise Closed(closing.TOO_SLOW, "no_session") from None

    async def _obey(self, text: str) -> None:
        try:
            message = understood(text)
            if self._session is None:
                await self._start(message)
            else:
                self._act(self._session, message)
        except Refusal as refusal:
            self._answer(told(named_here(refusal)))
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", reason=repr(fault))
            raise Closed(closing.TRY_AGAIN_LATER, "try_again_later") from None
        self._go_on()

    async def _start(self, message: Message) -> None:
        if not isinstance(message, Start):
            raise InvalidState("Nobody was chosen to speak yet. Send 'session.start' first.", param="type")
        reader = Reader(self._visit.identity, message)
        speaker = await reader.speaker()
        self._reader, self._encoding, self._session = reader, Encoding(message.format), Session(speaker.language)
        chosen = message.model_dump(exclude={"type"}) | {"model": speaker.model, "language": speaker.language, "sample_rate": RATE}
        self._answer({"type": "session.started", "session": chosen})

    def _act(self, session: Session, message: Message) -> None:
        match message:
            case Start():
                raise InvalidState("The session has begun. Open another socket for another voice.", param="type")
            case Append():
                session.append(message.text)
            case Flush():
                session.flush()
            case Cancel():
                self._answer(session.cancel(time.monotonic()))
                for task in self._speaking:
                    task.cancel()
            case End():
                session.end()

    def _answer(self, event: dict[str, Any]) -> None:
        if len(self._answers) >= MOST_WAITING:
            raise Closed(closing.TOO_SLOW, "client_too_slow")
        self._answers.append(event)

    # what is spoken

    def _go_on(self) -> None:
        """Something has changed: begin what is to be begun, and send what there is to send."""
        self._take_up()
        self._more.set()

    def _take_up(self) -> None:
        if self._session is not None:
            for piece in self._session.begin():
                task = self._tasks.create_task(self._speak(self._session, piece))
                self._speaking.add(task)
                task.add_done_callback(self._speaking.discard)

    async def _speak(self, session: Session, piece: Piece) -> None:
        def heard(sound: bytes) -> None:
            session.add(piece, sound)
            self._more.set()

        try:
            characters, timed = await self._reader.read(piece.text, heard)
        except NothingToSpeak:
            session.skip(piece)
        except Refusal as refusal:
            log.warning("not spoken", code=refusal.code)
            session.fail(piece, named_here(refusal), ends_session=isinstance(refusal, InsufficientQuota))
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", reason=repr(fault))
            session.fail(piece, Unavailable(), ends_session=False)
        else:
            session.complete(piece, characters=characters, timed=timed)
        self._go_on()

    # what goes out

    async def _write(self) -> NoReturn:
        while True:
            self._more.clear()
            match self._next():
                case None:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._session.wait(time.monotonic()) if self._session else None):
                            await self._more.wait()
                case Closed() as end:
                    raise end
                case Sound() as sound:
                    await self._sound(sound)
                case event:
                    await self._sent(to_json(event).decode())

    def _next(self) -> Effect | None:
        if self._answers:
            return self._answers.popleft()
        if self._session is None:
            return None
        effect = self._session.next(time.monotonic())
        self._take_up()
        return effect

    async def _sound(self, sound: Sound) -> None:
        if encoded := await self._encoding.encode(sound.pcm, last=sound.last):
            audio = binascii.b2a_base64(encoded, newline=False).decode()
            await self._sent(to_json({"type": "speech.audio.delta", "piece": sound.piece, "audio": audio}).decode())
