"""Where a client is in the sound that it was sent: it plays in real time what comes faster, so the clock says how much was heard."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLES_A_MS = 24
BYTES_A_MS = 2 * SAMPLES_A_MS
MS_A_CHARACTER = 60
# of speech that is still being made: nobody says words sooner than they can be said


def duration_ms(pcm: bytes | bytearray) -> int:
    return len(pcm) // BYTES_A_MS


@dataclass(slots=True)
class _Said:
    text: str
    start_ms: float
    end_ms: float


class Playback:
    """Of one response. Times are seconds of the session's clock; sound is 16 bit, mono, 24 kHz."""

    def __init__(self) -> None:
        self._until = 0.0
        # when everything that was sent will have been played
        self._sent = 0
        # bytes
        self._said: list[_Said] = []

    @property
    def sent_ms(self) -> int:
        return self._sent // BYTES_A_MS

    def begin(self, text: str) -> None:
        """What is sent from here on says this."""
        self._said.append(_Said(text, self.sent_ms, self.sent_ms))

    def send(self, pcm: bytes, now: float, *, held: int) -> None:
        """More of it is sent; `held` bytes that follow, and say the same words, are not yet."""
        self._sent += len(pcm)
        self._until = max(self._until, now) + len(pcm) / BYTES_A_MS / 1000
        if self._said:
            said = self._said[-1]
            said.end_ms = max((self._sent + held) / BYTES_A_MS, said.start_ms + MS_A_CHARACTER * len(said.text))

    def end(self) -> None:
        """All of what says this is sent."""
        if self._said:
            self._said[-1].end_ms = self.sent_ms

    def ahead(self, now: float) -> float:
        """Seconds of what was sent that can't have been heard yet."""
        return max(0.0, self._until - now)

    def heard_ms(self, now: float) -> int:
        return max(0, self.sent_ms - round(self.ahead(now) * 1000))

    def text_until(self, ms: float) -> str:
        """What was said up to a moment of the sound, to the last whole word."""
        whole = "".join(said.text for said in self._said if said.end_ms <= ms)
        cut = next((said for said in self._said if said.start_ms < ms < said.end_ms), None)
        if cut is None:
            return whole.strip()
        place = round(len(cut.text) * (ms - cut.start_ms) / (cut.end_ms - cut.start_ms))
        ends = place >= len(cut.text) or cut.text[place].isspace()
        words = cut.text[:place] if ends else cut.text[: cut.text.rfind(" ", 0, place) + 1]
        return (whole + words).strip()
