"""When somebody begins and ends a turn: probabilities of speech in, events of the turn out.

The clock is the audio: every probability stands for FRAME_MS. Where the audio begins anew, because the buffer was cleared or
committed by hand or the rules changed, a new `Turns` takes over at the old one's `now_ms`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from voice.realtime.utterances import Ending, ending, is_backchannel, words

Kind = Literal["server_vad", "semantic_vad"]
Eagerness = Literal["low", "medium", "high", "auto"]
Decision = Literal["wait", "ignore", "interrupt"]

FRAME_MS = 20

MINIMUM_SPEECH_MS = 60
"""Of speech before a turn has begun: clicks and knocks are shorter, and 100 ms after its first sound a person must be heard."""

RESUMED_MS = 40
"""Of speech that end a pause within a turn: a click does not."""

HYSTERESIS = 0.15
"""So far under the threshold is silence. What lies between changes nothing: neither begins a turn nor a pause."""

LONGEST_SILENCE_MS = {"low": 8000, "medium": 4000, "high": 2000, "auto": 4000}
"""Of semantic_vad, by eagerness: who pauses for longer has ended, whatever was said."""

SHARE_OF_SILENCE = {Ending.FINISHED: 1 / 8, Ending.UNCLEAR: 1 / 4, Ending.UNFINISHED: 1.0}
"""Of LONGEST_SILENCE_MS, by what the last words say."""

SUSTAINED_MS = 600
"""Of speech over an answer, nothing of it understood yet: longer than a cough."""

LONGEST_BACKCHANNEL_MS = 1500
"""Whoever speaks for longer says more than the "uh-huh" that was understood of it."""


@dataclass(frozen=True, slots=True)
class Started:
    audio_start_ms: int
    # the prefix padding included: not before the end of the last turn


@dataclass(frozen=True, slots=True)
class Stopped:
    audio_end_ms: int
    # the silence that ended it included


@dataclass(frozen=True, slots=True)
class TimedOut:
    """Nobody spoke for `idle_timeout_ms` after the assistant was last heard."""

    audio_start_ms: int
    # since when nobody was heard
    audio_end_ms: int


Event = Started | Stopped | TimedOut


@dataclass(frozen=True, slots=True)
class Rules:
    """As a session's `turn_detection` states them; silence_duration_ms is of server_vad, eagerness of semantic_vad."""

    kind: Kind
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = None
    eagerness: Eagerness = "auto"


class Turns:
    def __init__(self, rules: Rules, *, at_ms: int = 0) -> None:
        """`at_ms`: when in the session the first probability's audio begins."""
        self.rules = rules
        self._quiet_below = rules.threshold - HYSTERESIS
        self._now = at_ms
        self._floor = at_ms
        # where the last turn ended: none begins before it
        self._speaking = False
        self._voiced = 0
        # ms of speech since the last frame that was quiet
        self._onset = at_ms
        # of that speech
        self._pause = 0
        # ms since somebody who has the turn was last heard
        self._until = at_ms
        self._answering = False
        self._idle_since: int | None = None
        self._needed = self._silence(Ending.UNCLEAR)
        # ms of pause that end the turn

    @property
    def now_ms(self) -> int:
        return self._now

    @property
    def speaking(self) -> bool:
        return self._speaking

    @property
    def pause_ms(self) -> int:
        """How long somebody who has the turn has been silent."""
        return self._pause if self._speaking else 0

    @property
    def until_ms(self) -> int:
        """When somebody was last heard to speak, in this turn or the last one."""
        return self._until

    @property
    def spoken_ms(self) -> int:
        """How long the person has spoken, padding and the pause at the end left out; 0 where nobody has the turn."""
        return self._now - self._pause - self._onset if self._speaking else 0

    def push(self, probabilities: Sequence[float]) -> list[Event]:
        """What happened in so many frames. Started and Stopped alternate, and times never go back."""
        return [event for probability in probabilities if (event := self._step(probability))]

    def understood(self, partial: str) -> None:
        """What the turn says so far. Where that sounds finished semantic_vad ends it sooner, where it can't be all, later."""
        self._needed = self._silence(ending(partial))

    def answering(self, speaking: bool) -> None:
        """Whether the assistant is heard now. Its end starts the idle timeout."""
        if self._answering and not speaking:
            self._idle_since = self._now
        elif speaking:
            self._idle_since = None
        self._answering = speaking

    def _step(self, probability: float) -> Event | None:
        self._now += FRAME_MS
        loud = probability >= self.rules.threshold
        quiet = not loud and probability < self._quiet_below
        if loud:
            self._voiced += FRAME_MS
        elif quiet:
            self._voiced = 0
        return self._go_on(loud=loud, quiet=quiet) if self._speaking else self._wait(loud=loud)

    def _wait(self, *, loud: bool) -> Event | None:
        if loud and self._voiced == FRAME_MS:
            self._onset = self._now - FRAME_MS
        if self._voiced >= MINIMUM_SPEECH_MS:
            return self._start()
        if self._idle_since is None or self.rules.idle_timeout_ms is None or self._voiced:
            return None
        return self._time_out(self._idle_since) if self._now - self._idle_since >= self.rules.idle_timeout_ms else None

    def _go_on(self, *, loud: bool, quiet: bool) -> Stopped | None:
        if self._voiced >= RESUMED_MS:
            if self._pause:
                self._needed = self._silence(Ending.UNCLEAR)
                # what was understood is no longer what was said last
            self._pause = 0
        elif quiet or self._pause:
            self._pause += FRAME_MS
        self._until = self._now - self._pause
        return self._stop() if self._pause >= self._needed and not loud else None

    def _start(self) -> Started:
        self._speaking, self._pause, self._idle_since = True, 0, None
        self._until = self._now
        self._needed = self._silence(Ending.UNCLEAR)
        return Started(max(self._onset - self.rules.prefix_padding_ms, self._floor))

    def _stop(self) -> Stopped:
        self._speaking, self._voiced, self._floor = False, 0, self._now
        return Stopped(self._now)

    def _time_out(self, since: int) -> TimedOut:
        self._idle_since, self._floor = None, self._now
        return TimedOut(since, self._now)

    def _silence(self, end: Ending) -> float:
        """How many ms of silence end the turn."""
        if self.rules.kind == "server_vad":
            return self.rules.silence_duration_ms
        return LONGEST_SILENCE_MS[self.rules.eagerness] * SHARE_OF_SILENCE[end]


def interruption(duration_ms: int, partial: str) -> Decision:
    """What somebody who speaks over an answer means by it, after so much speech (`Turns.spoken_ms`), of which so much is understood.

    Asked again as both grow, until it says interrupt; whoever falls silent before that did not mean to interrupt. It is for
    semantic_vad: with server_vad clients expect that the answer ends when the turn begins, and MINIMUM_SPEECH_MS alone keeps
    knocks and clicks from doing so. The price: up to SUSTAINED_MS are talked over where nothing is understood as it is spoken.
    """
    if words(partial) and not is_backchannel(partial):
        return "interrupt"
    if words(partial):
        return "ignore" if duration_ms < LONGEST_BACKCHANNEL_MS else "interrupt"
    return "wait" if duration_ms < SUSTAINED_MS else "interrupt"
