"""People who talk: many sockets of one process, which send frames of sound made beforehand and note when the service tells of speech.

All say the same in a loop, each begun at another moment. In which frame it becomes clear that they speak is known beforehand: the
detector and the rules that the service uses are asked here as well. So what is measured is the service, not what detection needs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from voice.audio.pcm import RATE
from voice.engines.base import Pcm
from voice.realtime.detector import Detector
from voice.realtime.turns import Rules, Started, Turns

FRAME_MS = 100
FRAME_SAMPLES = RATE * FRAME_MS // 1000
SLOTS = 50
# moments of those 100 ms at which somebody's frame is due
LOOP = 40
# frames of the loop: 4 s
CLEARED_AFTER = 0.25
# seconds behind what is said: then it is thrown away, so that nobody has to understand it, and the next time is a turn of its own
NOISE = 12
# of the room, samples of this size at most
LOST_AFTER = 2.0
# seconds after which nobody waits for an event
CONNECT_AT_ONCE = 20
SETTINGS = {
    "type": "session.update",
    "session": {
        "type": "realtime",
        "audio": {
            "input": {
                "turn_detection": {
                    "type": "server_vad",
                    "silence_duration_ms": 500,
                    "create_response": False,
                    "interrupt_response": False,
                }
            },
            "output": {"voice": "tone"},
        },
    },
}


class Track:
    """What everybody says, as messages to send, and where the service should notice."""

    def __init__(self, speech: Pcm) -> None:
        room = np.random.default_rng(1).integers(-NOISE, NOISE + 1, LOOP * FRAME_SAMPLES).astype(np.int16)
        room[: speech.size] += speech
        self._frames = room.reshape(LOOP, FRAME_SAMPLES)
        self.messages = [_append(frame) for frame in self._frames]
        self.cleared_before = -(-(speech.size + round(CLEARED_AFTER * RATE)) // FRAME_SAMPLES)
        self.clear = _text({"type": "input_audio_buffer.clear"})

    def noticed(self, rounds: int) -> list[int]:
        """The number of the frame, in each round, with which it is clear that somebody speaks."""
        detector, rules = Detector(), Rules("server_vad")
        found: list[int] = []
        for number in range(rounds):
            turns = Turns(rules)
            for place, frame in enumerate(self._frames):
                if place == self.cleared_before:
                    turns = Turns(rules)
                events = turns.push(detector.push(frame))
                found += [number * LOOP + place for event in events if isinstance(event, Started)]
        return found


@dataclass(slots=True)
class Heard:
    """What came back in some span of time."""

    started: list[float] = field(default_factory=list)
    # seconds from the frame to the event
    frames: int = 0
    late: float = 0.0
    # seconds that a frame was sent behind its time, at most
    faults: Counter[str] = field(default_factory=Counter)


class Caller(asyncio.Protocol):
    """One socket. Messages are the bytes of frames: masked once, sent often."""

    def __init__(self, url: str, headers: dict[str, str], heard: Heard) -> None:
        self._socket = ClientProtocol(parse_uri(url))
        self._headers = headers
        self._transport: asyncio.Transport | None = None
        self.heard = heard
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._track: Track | None = None
        self._expected: set[int] = set()
        self._waiting: list[float] = []
        # when the frames were sent that are to be noticed
        self._place = 0
        self.sound = bytearray()
        self.first_sound = 0.0
        self._answered: asyncio.Future[str] | None = None
        self._asked = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        request = self._socket.connect()
        request.headers = Headers([*request.headers.raw_items(), *self._headers.items()])
        self._socket.send_request(request)
        self._flush()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._socket.receive_data(data)
        self._flush()
        for event in self._socket.events_received():
            if not isinstance(event, Frame):
                if self._socket.state is State.OPEN and not self.open.done():
                    self.open.set_result(None)
            elif event.opcode is Opcode.TEXT:
                self._told(json.loads(bytes(event.data)), now)
            elif event.opcode is Opcode.CLOSE:
                self._end(f"closed {self._socket.close_code} {self._socket.close_reason}")

    def connection_lost(self, _error: Exception | None) -> None:
        self._end("cut off")

    def leave(self) -> None:
        self.over.cancel()
        assert self._transport is not None
        self._transport.abort()

    def send(self, message: bytes) -> None:
        assert self._transport is not None
        self._transport.write(message)

    def begin(self, track: Track, expected: Sequence[int]) -> None:
        self._track, self._expected = track, set(expected)

    def step(self) -> None:
        """Send the next frame of the loop."""
        if self._track is None or self.over.done():
            return
        place = self._place % LOOP
        if place == self._track.cleared_before:
            self.send(self._track.clear)
        now = time.perf_counter()
        if self._waiting and now - self._waiting[0] > LOST_AFTER:
            self._waiting.pop(0)
            self.heard.faults["not noticed"] += 1
        if self._place in self._expected:
            self._waiting.append(now)
        self.send(self._track.messages[place])
        self.heard.frames += 1
        self._place += 1

    async def ask(self, text: str) -> float | None:
        """Have the service say it; seconds to the first of the sound, which lies in `sound` in the end. None where nothing came."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        self.sound.clear()
        self.first_sound = 0.0
        self._answered = asyncio.get_running_loop().create_future()
        self._asked = time.perf_counter()
        self.send(_text({"type": "conversation.item.create", "item": item}) + _text({"type": "response.create"}))
        status = await asyncio.wait_for(self._answered, 60)
        if status != "completed":
            self.heard.faults[f"answer {status}"] += 1
        return self.first_sound - self._asked if self.first_sound else None

    def _told(self, event: dict[str, Any], now: float) -> None:
        match event["type"]:
            case "input_audio_buffer.speech_started":
                if self._waiting:
                    self.heard.started.append(now - self._waiting.pop(0))
                else:
                    self.heard.faults["noticed what is not there"] += 1
            case "response.output_audio.delta":
                self.first_sound = self.first_sound or now
                self.sound += base64.b64decode(event["delta"])
            case "response.done" if self._answered is not None:
                details = event["response"]["status_details"] or {}
                self._answered.set_result(details.get("error", details).get("code", event["response"]["status"]))
            case "error":
                self.heard.faults[f"error {event['error']['code']}"] += 1

    def _end(self, why: str) -> None:
        if not self.over.done():
            self.over.set_result(why)
            self.heard.faults[why] += 1
        if not self.open.done():
            self.open.set_exception(ConnectionError(why))

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._socket.data_to_send():
            if data:
                self._transport.write(data)


class Callers:
    """All of them; `async with` keeps them talking."""

    def __init__(self, url: str, track: Track, expected: Sequence[int]) -> None:
        self._url = url
        self._track = track
        self._expected = expected
        self.heard = Heard()
        self.everybody: list[Caller] = []
        self._slots: list[list[Caller]] = [[] for _ in range(SLOTS)]
        self._talking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Callers:
        self._talking = asyncio.create_task(self._talk())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._talking is not None
        self._talking.cancel()
        for caller in self.everybody:
            caller.leave()

    def note_anew(self) -> Heard:
        """What comes from now on is noted apart from what came before, which is returned."""
        before, self.heard = self.heard, Heard()
        for caller in self.everybody:
            caller.heard = self.heard
        return before

    async def join(self, keys: Sequence[str], number: int) -> None:
        """So many more, spread over the loop."""
        gate = asyncio.Semaphore(CONNECT_AT_ONCE)

        async def one(place: int) -> Caller:
            async with gate:
                return await connect(self._url, keys[place % len(keys)], self.heard)

        joined = await asyncio.gather(*(one(place) for place in range(number)))
        begun = time.perf_counter()
        for place, caller in enumerate(joined):
            caller.send(_text(SETTINGS))
            self.everybody.append(caller)
            wait = begun + place / number * LOOP * FRAME_MS / 1000 - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            caller.begin(self._track, self._expected)
            self._slots[len(self.everybody) % SLOTS].append(caller)

    async def _talk(self) -> None:
        pause = FRAME_MS / 1000 / SLOTS
        due = time.perf_counter()
        while True:
            for slot in self._slots:
                due += pause
                wait = due - time.perf_counter()
                if wait > 0:
                    await asyncio.sleep(wait)
                else:
                    self.heard.late = max(self.heard.late, -wait)
                    await asyncio.sleep(0)
                for caller in slot:
                    caller.step()


async def connect(url: str, key: str, heard: Heard) -> Caller:
    """A socket that is open; ConnectionError when it does not come to that."""
    host, _, port = url.removeprefix("ws://").partition("/")[0].partition(":")
    headers = {"Authorization": f"Bearer {key}"}
    _, caller = await asyncio.get_running_loop().create_connection(lambda: Caller(url, headers, heard), host, int(port))
    await asyncio.wait_for(caller.open, 30)
    return caller


def _append(frame: Pcm) -> bytes:
    return _text({"type": "input_audio_buffer.append", "audio": base64.b64encode(frame.astype("<i2").tobytes()).decode()})


def _text(message: dict[str, Any]) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)
