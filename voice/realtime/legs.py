"""How long the legs of a turn take: from the end of the speech to its transcript, to the first word, to the first sound."""

from __future__ import annotations

from collections import deque
from statistics import median

from voice import metrics
from voice.live import Figures
from voice.realtime.effects import Close, Send, Sound
from voice.realtime.figures import Figures as Counted

MOST = 100
# turns that are remembered
MILLISECONDS = 1000
END_OF_SPEECH = "input_audio_buffer.committed"
_TRANSCRIPT, _WORD, _AUDIO = map(metrics.TURN_LEG.labels, (metrics.TRANSCRIPT, metrics.FIRST_WORD, metrics.FIRST_AUDIO))


class Legs:
    """Told of everything that is sent; `now` is in seconds."""

    def __init__(self) -> None:
        self._since: float | None = None
        # the end of the speech that is being answered
        self._transcript: deque[float] = deque(maxlen=MOST)
        self._first_token: deque[float] = deque(maxlen=MOST)
        self._first_audio: deque[float] = deque(maxlen=MOST)
        self._worded = ""
        # the response whose first word has come

    def note(self, effect: Send | Sound | Close, now: float) -> None:
        if isinstance(effect, Send) and effect.event["type"] == END_OF_SPEECH:
            self._since = now
        elif isinstance(effect, Sound) and self._since is not None:
            self._first_audio.append(now - self._since)
            _AUDIO.observe(now - self._since)
            self._since = None

    def understood(self, now: float) -> None:
        if self._since is not None:
            self._transcript.append(now - self._since)
            _TRANSCRIPT.observe(now - self._since)

    def worded(self, response_id: str, now: float) -> None:
        if self._since is not None and response_id != self._worded:
            self._first_token.append(now - self._since)
            _WORD.observe(now - self._since)
        self._worded = response_id

    def figures(self, counted: Counted) -> Figures:
        """For the session's row."""
        return Figures(
            seconds_in=counted.milliseconds_in / MILLISECONDS,
            seconds_out=counted.milliseconds_out / MILLISECONDS,
            responses=counted.responses,
            tokens_in=counted.input_tokens,
            tokens_out=counted.output_tokens,
            interruptions=counted.interruptions,
            transcript_ms=_median(self._transcript),
            first_token_ms=_median(self._first_token),
            first_audio_ms=_median(self._first_audio),
        )


def _median(seconds: deque[float]) -> int | None:
    return round(median(seconds) * MILLISECONDS) if seconds else None
