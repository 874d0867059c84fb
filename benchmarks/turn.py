"""One turn of a conversation, taken apart: from the end of the speech to the first sound of the answer, beside the same three parts
called directly in one process. In turns, so that whatever else the machine does falls on both."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connected

from benchmarks.callers import FRAME_MS, FRAME_SAMPLES
from benchmarks.figures import MILLISECONDS, line
from tests.e2e.system import System
from voice.audio.pcm import RATE
from voice.ears.base import Wanted
from voice.ears.sphinx import Sphinx
from voice.engines import available
from voice.engines.base import Pcm, Utterance
from voice.realtime.echo import Echo
from voice.realtime.responder import Message, Prompt, Words

ROUNDS = 15
SILENT = 0.6
# seconds behind what is said, of which the service waits for 0.5
PATIENCE = 60
MOST_ON_TOP = 60.0
# ms: goal for what the service adds
SETTINGS = {
    "type": "session.update",
    "session": {
        "type": "realtime",
        "audio": {"input": {"transcription": {"model": "pocketsphinx", "language": "en"}}, "output": {"voice": "slt"}},
    },
}
STOPPED = "input_audio_buffer.speech_stopped"
UNDERSTOOD = "conversation.item.input_audio_transcription.completed"
SOUND = "response.output_audio.delta"


@dataclass(slots=True)
class Legs:
    """Seconds, one for each round."""

    understood: list[float] = field(default_factory=list)
    # from the end of the speech to its transcript
    sound: list[float] = field(default_factory=list)
    # from there to the first sound


async def report(system: System, speech: Pcm) -> None:
    service, direct = Legs(), Legs()
    ear, flite = Sphinx(), next(engine for engine in available() if engine.name == "flite")
    url = f"{system.url.replace('http', 'ws')}/v1/realtime?model=gpt-realtime"
    async with connected(url, additional_headers=system.headers, compression=None) as socket:
        await socket.send(json.dumps(SETTINGS))
        stream = np.zeros(0, np.int16)
        for number in range(ROUNDS + 1):
            stream, heard, taken = await _turn(socket, stream, speech)
            own = await asyncio.to_thread(_direct, ear, flite, heard)
            if number:
                # the first one loads models
                for legs, (understood, sound) in ((service, taken), (direct, own)):
                    legs.understood.append(understood)
                    legs.sound.append(sound)
    print("One turn (echo, pocketsphinx, flite), from the end of the speech as the service tells it:")
    for name, legs in (("service", service), ("direct", direct)):
        line(f"{name}: to the transcript", legs.understood)
        line(f"{name}: from there to the first sound", legs.sound)
        line(f"{name}: both", _both(legs))
    # of the pairs: what slows the machine down for a while slows both of a pair
    more = [MILLISECONDS * (ours - theirs) for ours, theirs in zip(_both(service), _both(direct), strict=True)]
    on_top = median(more)
    print(f"  on top, round by round, ms: {' '.join(f'{each:.0f}' for each in sorted(more))}")
    print(
        f"  goal: ms on top of the direct calls {on_top:.0f}   (at most {MOST_ON_TOP:.0f}: {'met' if on_top <= MOST_ON_TOP else 'MISSED'})"
    )


def _both(legs: Legs) -> list[float]:
    return [understood + sound for understood, sound in zip(legs.understood, legs.sound, strict=True)]


async def _turn(socket: ClientConnection, stream: Pcm, speech: Pcm) -> tuple[Pcm, Pcm, tuple[float, float]]:
    """Say it; the stream until now, what the service took for the turn, and how long its legs took."""
    said = np.concatenate([speech, np.zeros(round(SILENT * RATE), np.int16)])
    said = said[: said.size - said.size % FRAME_SAMPLES]
    speaking = asyncio.create_task(_say(socket, said))
    times: dict[str, float] = {}
    begin = end = 0
    async with asyncio.timeout(PATIENCE):
        while True:
            event: dict[str, Any] = json.loads(await socket.recv())
            times.setdefault(event["type"], time.perf_counter())
            assert event["type"] != "error", event
            match event["type"]:
                case "input_audio_buffer.speech_started":
                    begin = event["audio_start_ms"]
                case "input_audio_buffer.speech_stopped":
                    end = event["audio_end_ms"]
                case "response.done":
                    assert event["response"]["status"] == "completed", event
                    break
    await speaking
    stream = np.concatenate([stream, said])
    heard = stream[begin * RATE // MILLISECONDS : end * RATE // MILLISECONDS]
    return stream, heard, (times[UNDERSTOOD] - times[STOPPED], times[SOUND] - times[UNDERSTOOD])


async def _say(socket: ClientConnection, said: Pcm) -> None:
    for frame in said.reshape(-1, FRAME_SAMPLES):
        await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(frame.tobytes()).decode()}))
        await asyncio.sleep(FRAME_MS / MILLISECONDS)


def _direct(ear: Sphinx, flite: Any, heard: Pcm) -> tuple[float, float]:
    """The same without a service."""
    begun = time.perf_counter()
    segments = list(ear.transcribe(heard, Wanted(languages=("en",)), check=lambda: None).segments)
    understood = time.perf_counter()
    text = asyncio.run(_answered(" ".join(segment.text for segment in segments)))
    next(flite.synthesize(Utterance(text=text, speaker="slt", language="en")))
    return understood - begun, time.perf_counter() - understood


async def _answered(text: str) -> str:
    deltas = Echo().respond(Prompt("", (Message("user", text),)))
    return "".join([delta.text async for delta in deltas if isinstance(delta, Words)])
