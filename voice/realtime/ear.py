"""What comes in: the input audio buffer, and the turns in it. Sound is 16 bit, mono, 24 kHz; times are ms of it since the session began."""

from __future__ import annotations

from collections.abc import Sequence

from config.errors import Refusal
from voice.realtime.playback import BYTES_A_MS
from voice.realtime.settings import TurnDetection
from voice.realtime.turns import Event, Rules, Started, Stopped, TimedOut, Turns

LONGEST_TURN_MS = 120_000
# of one turn: then it is ended, or where the client ends turns no more is taken
BEFORE_MS = 400
# of sound that is kept beside the padding: what it takes to find out that somebody speaks
SHORTEST_MS = 100
# of a turn that a client commits


class Ear:
    def __init__(self, detection: TurnDetection | None) -> None:
        self._buffer = bytearray()
        self._received = 0
        # bytes
        self._turns: Turns | None = None
        self._padding_ms = 0
        self.obey(detection)

    @property
    def now_ms(self) -> int:
        return self._received // BYTES_A_MS

    @property
    def held_ms(self) -> int:
        return len(self._buffer) // BYTES_A_MS

    @property
    def turns(self) -> Turns | None:
        return self._turns

    def obey(self, detection: TurnDetection | None) -> None:
        """Other rules from here on; none: the client says where a turn ends."""
        self._padding_ms = detection.prefix_padding_ms if detection else 0
        self._turns = Turns(_rules(detection), at_ms=self.now_ms) if detection else None

    def push(self, pcm: bytes, probabilities: Sequence[float]) -> list[Event]:
        """More sound, with what the detector thinks of it. A Refusal where the buffer is full."""
        if self._turns is None and self.held_ms + len(pcm) // BYTES_A_MS > LONGEST_TURN_MS:
            seconds = LONGEST_TURN_MS // 1000
            raise Refusal(f"The input audio buffer holds {seconds} s. Commit or clear it.", code="input_audio_buffer_full", param="audio")
        self._buffer += pcm
        self._received += len(pcm)
        if self._turns is None:
            return []
        events = self._turns.push(probabilities)
        if self._turns.speaking and self.held_ms >= LONGEST_TURN_MS:
            events.append(Stopped(self.now_ms))
            self._turns = Turns(self._turns.rules, at_ms=self.now_ms)
        for event in events:
            if isinstance(event, Started):
                self._drop_before(event.audio_start_ms)
        if not any(isinstance(event, Started | Stopped | TimedOut) for event in events) and not self._turns.speaking:
            self._drop_before(self.now_ms - self._padding_ms - BEFORE_MS)
        return events

    def held(self) -> bytes:
        return bytes(self._buffer)

    def take(self) -> bytes:
        """All that is held, which is held no more."""
        taken = self.held()
        self._buffer.clear()
        return taken

    def clear(self) -> None:
        """Forget what is held, and whoever is speaking."""
        self._buffer.clear()
        if self._turns is not None:
            self._turns = Turns(self._turns.rules, at_ms=self.now_ms)

    def _drop_before(self, ms: int) -> None:
        begins = self._received - len(self._buffer)
        if (surplus := ms * BYTES_A_MS - begins) > 0:
            del self._buffer[:surplus]


def _rules(detection: TurnDetection) -> Rules:
    return Rules(
        kind=detection.type,
        threshold=detection.threshold,
        prefix_padding_ms=detection.prefix_padding_ms,
        silence_duration_ms=detection.silence_duration_ms,
        idle_timeout_ms=detection.idle_timeout_ms if detection.type == "server_vad" else None,
        eagerness=detection.eagerness,
    )
