"""`WS /v1/realtime`: performs what a session wants done, and tells it what came of that.

A receive loop of its own, not Channels' dispatch, which costs more than all the rest of a message (measured).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from typing import Any, NoReturn

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from accounts.models import Scope, User
from config.errors import InternalError, Refusal, Unavailable
from jobs import closing
from jobs.closing import Closed
from jobs.doors import Visit
from jobs.following import follow
from jobs.models import Item
from jobs.open_socket import Limits, OpenSocket
from jobs.steps import leave
from voice import live, metrics
from voice.errors import NothingToSpeak
from voice.realtime import work
from voice.realtime.detector import Detector
from voice.realtime.effects import Close, Effect, Generate, Send, Sound, Speak, Stop, Transcribe
from voice.realtime.keeping import keep
from voice.realtime.legs import Legs
from voice.realtime.responder import CallDelta, Finish, Words
from voice.realtime.responders import responder
from voice.realtime.session import Session, refused
from voice.realtime.silero import Silero
from voice.realtime.wire import Wire
from voice.services import Casting
from voice.transcriptions import Hearing

log = structlog.get_logger("live")

LIMITS = Limits(largest=1_000_000, messages=(200, 1000), bytes=(2_000_000, 32_000_000))
# some ten seconds of sound, and no server takes more; a live microphone sends 64,000 bytes a second, a file may come as fast as that
MOST_WAITING = 2000
# events made and not sent: then the client does not read, and is let go
NAMING_VOICES = ("session.update", "response.create")
SAMPLE_BYTES = 2
LONGEST_WAIT = 3600.0
# seconds: for a clock that has nothing to ring for


class Conversation(OpenSocket):
    """An open socket with a clock, a task that waits for the keeper's word, and one for each thing that is under way."""

    def __init__(self, visit: Visit, *, session: Session, wire: Wire, left: float) -> None:
        super().__init__(visit, Scope.REALTIME, LIMITS)
        self._identity = visit.identity
        self.gone = asyncio.Event()
        # its session is another's to take up
        self._taken = asyncio.Event()
        self._casting, self._hearing = Casting(self.user), Hearing(self.user)
        # a voice is looked up once; whether it may still be used, the workers ask each time
        self._session = session
        self._wire = wire
        self._until = time.monotonic() + left
        # when it has lasted as long as one may
        self._detector = Detector(Silero()) if settings.LIVE_DETECTOR == "silero" else Detector()
        self._legs = Legs()
        self._interruptions = session.figures.interruptions
        # that are counted
        self._under_way: dict[str, set[asyncio.Task[None]]] = {}
        # by response
        self._outgoing: deque[Send | Sound | Close] = deque()
        self._more = asyncio.Event()
        # to send
        self._changed = asyncio.Event()
        # what the clock waits for may come sooner

    @property
    def user(self) -> User:
        return self._identity.user

    @property
    def figures(self) -> live.Figures:
        return self._legs.figures(self._session.figures)

    def _begin(self) -> None:
        self._perform(self._session.open())
        self._tasks.create_task(self._watch_clock())
        self._tasks.create_task(self._watch_takers())
        self._tasks.create_task(keep(self._session.id, lambda: self.figures))

    async def let_go(self) -> None:
        """Its client has come back over another connection: end this one."""
        self._taken.set()
        await self.gone.wait()

    async def _watch_takers(self) -> NoReturn:
        await self._taken.wait()
        raise Closed(None, live.CLIENT_LEFT, resumable=True)

    # what comes in

    async def _read(self) -> NoReturn:
        while True:
            await self._obey(await self._text())

    async def _obey(self, text: str) -> None:
        event_id = None
        try:
            event = self._wire.understood(text)
            event_id = event.get("event_id") if isinstance(event.get("event_id"), str) else None
            if event.get("type") == "input_audio_buffer.append":
                self._hear(self._wire.sound(event, self._session.settings.audio.input.format.type))
            else:
                if event.get("type") in NAMING_VOICES:
                    await work.check_named_voice(self._identity, event)
                self._perform(self._session.receive(event, time.monotonic()))
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", reason=repr(fault))
            self._perform([refused(Unavailable(), event_id)])
        except Refusal as refusal:
            self._perform([refused(refusal, event_id)])

    def _hear(self, pcm: Any) -> None:
        probabilities = self._detector.push(pcm) if self._session.listens_for_turns else []
        effects = self._session.heard(pcm.tobytes(), probabilities, time.monotonic())
        if effects or self._session.replies.under_way:
            self._perform(effects)
        # else nothing has changed for anybody who waits, and waking them costs as much as all the rest

    # what is to be done

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send() | Sound() | Close():
                    self._outgoing.append(effect)
                    self._legs.note(effect, time.monotonic())
                case Transcribe():
                    self._tasks.create_task(self._transcribe(effect))
                case Generate():
                    self._take_up(effect.response_id, self._generate(effect))
                case Speak():
                    self._take_up(effect.response_id, self._speak(effect))
                case Stop():
                    for task in self._under_way.pop(effect.response_id, ()):
                        task.cancel()
        if (interruptions := self._session.figures.interruptions) != self._interruptions:
            metrics.INTERRUPTIONS.inc(interruptions - self._interruptions)
            self._interruptions = interruptions
        if len(self._outgoing) > MOST_WAITING:
            raise Closed(closing.TOO_SLOW, "client_too_slow")
        self._more.set()
        self._changed.set()

    def _take_up(self, response_id: str, work_on: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.create_task(work_on)
        self._under_way.setdefault(response_id, set()).add(task)
        task.add_done_callback(lambda done: self._ended(response_id, done))

    def _ended(self, response_id: str, task: asyncio.Task[None]) -> None:
        tasks = self._under_way.get(response_id, set())
        tasks.discard(task)
        if not tasks:
            self._under_way.pop(response_id, None)

    async def _transcribe(self, effect: Transcribe) -> None:
        session = self._session
        try:
            text, seconds = await work.understand(self._identity, self._hearing, effect)
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", reason=repr(fault))
            self._not_transcribed(effect, Unavailable())
        except Refusal as refusal:
            self._not_transcribed(effect, refusal)
        else:
            self._legs.understood(time.monotonic())
            if effect.until_ms is None:
                self._perform(session.transcribed(effect.item_id, text, seconds, time.monotonic()))
            else:
                self._perform(session.glimpsed(effect.item_id, effect.until_ms, text, seconds, time.monotonic()))

    def _not_transcribed(self, effect: Transcribe, refusal: Refusal) -> None:
        if effect.until_ms is None:
            self._perform(self._session.not_transcribed(effect.item_id, refusal, time.monotonic()))
        else:
            self._perform(self._session.not_glimpsed(effect.item_id, effect.until_ms, refusal, time.monotonic()))

    async def _generate(self, effect: Generate) -> None:
        session, response_id = self._session, effect.response_id
        try:
            async with aclosing(responder().respond(effect.prompt)) as deltas:
                async for delta in deltas:
                    match delta:
                        case Words(text):
                            self._legs.worded(response_id, time.monotonic())
                            self._perform(session.replies.words(response_id, text))
                        case CallDelta():
                            self._perform(session.replies.call(response_id, delta.index, delta.call_id, delta.name, delta.arguments))
                        case Finish():
                            self._perform(session.replies.answered(response_id, delta, time.monotonic()))
        except Refusal as refusal:
            self._perform(session.unanswered(response_id, refusal, time.monotonic()))
        except Exception as error:  # whatever a model's server does, the conversation goes on
            log.error("no answer", exc_info=error)
            self._perform(session.unanswered(response_id, InternalError(), time.monotonic()))

    async def _speak(self, effect: Speak) -> None:
        session, response_id = self._session, effect.response_id
        try:
            await self._follow(await work.speak(self._identity, self._casting, effect), effect)
        except NothingToSpeak:
            pass
        except (OperationalError, InterfaceError) as fault:
            log.warning("database away", reason=repr(fault))
            self._perform(session.unanswered(response_id, Unavailable(), time.monotonic()))
            return
        except Refusal as refusal:
            self._perform(session.unanswered(response_id, refusal, time.monotonic()))
            return
        self._perform(session.replies.piece_spoken(response_id, effect.piece, time.monotonic()))

    async def _follow(self, item: Item, effect: Speak) -> None:
        odd = b""
        try:
            async with aclosing(follow(item)) as blocks:
                async for block in blocks:
                    made = odd + block
                    whole = len(made) - len(made) % SAMPLE_BYTES
                    odd = made[whole:]
                    self._perform(self._session.replies.spoken(effect.response_id, effect.piece, made[:whole], time.monotonic()))
        except asyncio.CancelledError:
            await asyncio.shield(leave(item))
            raise

    # what goes out

    async def _write(self) -> NoReturn:
        while True:
            while self._outgoing:
                effect = self._outgoing.popleft()
                if isinstance(effect, Close):
                    raise Closed(effect.code, effect.reason)
                text = self._wire.told(effect)
                if text is not None:
                    await self._sent(text)
            self._more.clear()
            await self._more.wait()

    async def _watch_clock(self) -> NoReturn:
        while True:
            self._changed.clear()
            now = time.monotonic()
            if now >= self._until:
                self._perform(self._session.expire())
                self._until = now + LONGEST_WAIT
            if effects := self._session.replies.tick(now):
                self._perform(effects)
            following = min(self._session.replies.next_tick(now) or self._until, self._until)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, following - now)):
                    await self._changed.wait()
