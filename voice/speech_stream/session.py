"""One socket's speech as a pure state machine: text in, pieces to be spoken out; their sound in, what the client is told out.

Whoever performs it asks for what is next whenever it can send. Nothing that was cancelled waits anywhere to be sent after all.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from config.errors import Conflict, Refusal
from jobs import closing
from jobs.closing import Closed
from voice.audio.pcm import CLAUSE_PAUSE_MS, PARAGRAPH_PAUSE_MS, RATE, SENTENCE_PAUSE_MS, silence
from voice.realtime.pieces import Pieces
from voice.text import speakable
from voice.timing import DIGITS

AHEAD = 30.0
# seconds of sound that are sent before they can have been heard
TOGETHER = 2
# pieces that are begun and not sent: the next is ready when one ends, and no more is made than will be heard
MOST_HELD = 64 << 10
# bytes of text that nobody has begun to speak
SLICE = 100
# characters that are cut into pieces at a time: what it costs grows with the square of them
SLICES = 20
# in a row, before others have their turn: 2 ms, 30 at worst
SAMPLE_BYTES = 2
SECOND = RATE * SAMPLE_BYTES
# bytes
BLOCK = SECOND // 5
# bytes that are sent at a time

_SENTENCE_END = re.compile(r"(?:[.!?…。！？؟।][\"'”’»)\]*_`]*\s*|\n\s*)\Z")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n\s*\Z")


class TooMuchText(Refusal):
    status = 413
    code = "text_too_long"
    message = f"More than {MOST_HELD} bytes of text wait to be spoken. This message was not taken: send it again when more has been spoken."

    def __init__(self) -> None:
        super().__init__(param="text")


class Ending(Conflict):
    message = "The session is ending: 'session.end' was sent. Open another socket."


@dataclass(slots=True, eq=False)
class Piece:
    """What is spoken in one go."""

    text: str
    # as it came, blanks included
    number: int = -1
    # from 0 on, once it is being spoken
    sound: bytearray = field(default_factory=bytearray)
    # made and not sent: 16 bit, mono, at RATE
    over: bool = False
    # nothing more will be made of it
    characters: int = 0
    # that were spoken
    timed: dict[str, Any] = field(default_factory=dict)
    # words and sentences, in seconds of the piece; none where they were not asked for, or were told
    refusal: Refusal | None = None
    # why it was not spoken to its end
    ends_session: bool = False
    # that refusal does
    start: int | None = None
    # bytes of sound that were sent before its first; none before that


@dataclass(slots=True)
class _Flush:
    """A place in the text up to which all of it is to be spoken."""

    answers: int
    # that are told when it is


@dataclass(frozen=True, slots=True)
class Sound:
    """A `speech.audio.delta`."""

    piece: int
    pcm: bytes
    last: bool = False
    # none follows


Effect = dict[str, Any] | Sound | Closed


class Session:
    """Times are seconds of a clock that never goes back."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._text: deque[str | _Flush] = deque()
        # slices of it: cut into pieces when these are wanted, and no sooner
        self._pieces = Pieces(language)
        self._line: deque[Piece | _Flush] = deque()
        # in the order of the text
        self._held = 0
        # bytes of text of which no piece was begun
        self._numbers = 0
        # pieces that were begun
        self._pause = 0.0
        # milliseconds owed before the next piece
        self._sent = 0
        # bytes of sound
        self._until = 0.0
        # when all that was sent will have been heard
        self._characters = 0
        self._ending = False
        self._last: deque[Effect] = deque()
        # what is left to say once the session is over

    # what the client says

    def append(self, text: str) -> None:
        """TooMuchText where too much is held already, Ending after `end`."""
        if self._ending:
            raise Ending
        size = len(text.encode())
        if self._held + size > MOST_HELD:
            raise TooMuchText
        self._held += size
        if self._text and isinstance(newest := self._text[-1], str) and len(newest) + len(text) <= SLICE:
            self._text[-1] = newest + text
        else:
            self._text += [text[start : start + SLICE] for start in range(0, len(text), SLICE)]

    def flush(self) -> None:
        """Speak what is held, and tell when that is sent. What comes next begins anew, with a short piece."""
        if self._ending:
            raise Ending
        if self._text and isinstance(newest := self._text[-1], _Flush):
            newest.answers += 1
        else:
            self._text.append(_Flush(1))

    def cancel(self, now: float) -> dict[str, Any]:
        """Forget all of it. The answer tells which piece was cut, and the seconds of it that were sent."""
        head = self._line[0] if self._line else None
        cut = head if isinstance(head, Piece) and head.start is not None else None
        seconds = 0.0 if cut is None else self._seconds_of(cut)
        self._line.clear()
        self._text.clear()
        self._pieces = Pieces(self._language)
        self._held, self._pause, self._until = 0, 0.0, now
        return {"type": "speech.cancelled", "piece": None if cut is None else cut.number, "seconds": seconds}

    def end(self) -> None:
        if self._ending:
            raise Ending
        self._text.append(_Flush(0))
        self._ending = True

    # what becomes of the pieces

    def begin(self) -> list[Piece]:
        """The pieces to begin now."""
        self._cut()
        begun: list[Piece] = []
        under_way = 0
        for piece in self._line:
            if under_way == TOGETHER:
                break
            if not isinstance(piece, Piece):
                continue
            under_way += 1
            if piece.ends_session:
                break
            if piece.number < 0:
                piece.number, self._numbers = self._numbers, self._numbers + 1
                self._held -= len(piece.text.encode())
                begun.append(piece)
        return begun

    def add(self, piece: Piece, sound: bytes) -> None:
        piece.sound += sound

    def complete(self, piece: Piece, *, characters: int, timed: dict[str, Any]) -> None:
        """All its sound is there. `timed` in seconds of the piece."""
        piece.over, piece.characters, piece.timed = True, characters, timed

    def skip(self, piece: Piece) -> None:
        """There was nothing in it to speak: nobody is told of it."""
        if piece in self._line:
            self._line.remove(piece)

    def fail(self, piece: Piece, refusal: Refusal, *, ends_session: bool) -> None:
        """What is there of it is sent, then why there is no more."""
        piece.over, piece.refusal, piece.ends_session = True, refusal, ends_session

    # what the client is told

    def next(self, now: float) -> Effect | None:
        """None while there is nothing to send, or what there is comes too soon."""
        if self._last:
            return self._last.popleft()
        while self._line:
            head = self._line[0]
            if isinstance(head, Piece):
                return self._next_of(head, now)
            if head.answers:
                head.answers -= 1
                return {"type": "speech.flushed"}
            self._line.popleft()
        return self._finish() if self._ending and not self._text else None

    def wait(self, now: float) -> float | None:
        """Seconds until there is more to begin or to send, if nothing happens before."""
        if self._wanting():
            return 0.0
        head = self._line[0] if self._line else None
        return max(0.0, self._early(now)) if isinstance(head, Piece) and len(head.sound) >= SAMPLE_BYTES else None

    def _next_of(self, piece: Piece, now: float) -> Effect | None:
        ready = len(piece.sound) - len(piece.sound) % SAMPLE_BYTES
        if piece.start is None and (ready or (piece.over and piece.refusal is None)):
            piece.sound[:0] = silence(self._pause).tobytes()
            piece.start = self._sent + len(silence(self._pause)) * SAMPLE_BYTES
            return {"type": "speech.started", "piece": piece.number, "text": piece.text}
        if piece.over and piece.timed:
            return self._timestamps(piece)
        if ready:
            return self._delta(piece, now) if self._early(now) <= 0 else None
        if not piece.over:
            return None
        self._line.popleft()
        self._pause = pause_after(piece.text) if piece.start is not None else self._pause
        return self._failed(piece, piece.refusal) if piece.refusal else self._done(piece)

    def _delta(self, piece: Piece, now: float) -> Sound:
        size = min(BLOCK, len(piece.sound))
        block = bytes(piece.sound[: size - size % SAMPLE_BYTES])
        del piece.sound[: len(block)]
        self._sent += len(block)
        self._until = max(self._until, now) + len(block) / SECOND
        return Sound(piece.number, block)

    def _early(self, now: float) -> float:
        """Seconds by which another block would come too soon."""
        return self._until + BLOCK / SECOND - now - AHEAD

    def _timestamps(self, piece: Piece) -> dict[str, Any]:
        """In seconds of all the sound that was ever sent."""
        timed, piece.timed = piece.timed, {}
        begun = (piece.start or 0) / SECOND
        moved = {
            name: [one | {"start": round(begun + one["start"], DIGITS), "end": round(begun + one["end"], DIGITS)} for one in found]
            for name, found in timed.items()
        }
        return {"type": "speech.timestamps", "piece": piece.number, **moved}

    def _done(self, piece: Piece) -> dict[str, Any]:
        self._characters += piece.characters
        return {"type": "speech.done", "piece": piece.number, "seconds": self._seconds_of(piece)}

    def _failed(self, piece: Piece, refusal: Refusal) -> dict[str, Any]:
        if piece.ends_session:
            self._ending = True
            self._line.clear()
            self._text.clear()
            self._last.append(Closed(closing.POLICY_VIOLATION, refusal.code))
        return told(refusal) | {"piece": piece.number}

    def _finish(self) -> Effect:
        self._last += [
            {"type": "session.ended", "characters": self._characters, "seconds": round(self._sent / SECOND, DIGITS)},
            Closed(closing.NORMAL, "ended"),
        ]
        # a compressed stream has bytes that are known with its end only
        return Sound(self._numbers - 1, b"", last=True) if self._sent else self._last.popleft()

    def _seconds_of(self, piece: Piece) -> float:
        return round(max(0, self._sent - (piece.start or 0)) / SECOND, DIGITS)

    def _wanting(self) -> bool:
        """Whether there are fewer pieces than are made at a time, and text for more."""
        return bool(self._text) and sum(isinstance(each, Piece) for each in self._line) < TOGETHER

    def _cut(self) -> None:
        for _ in range(SLICES):
            if not self._wanting():
                return
            head = self._text.popleft()
            if isinstance(head, str):
                self._line_up(self._pieces.push(head))
                continue
            self._line_up(self._pieces.flush())
            self._pieces = Pieces(self._language)
            if self._line and isinstance(newest := self._line[-1], _Flush):
                newest.answers += head.answers
            else:
                self._line.append(head)

    def _line_up(self, texts: list[str]) -> None:
        for text in texts:
            if speakable(text):
                self._line.append(Piece(text))
            else:
                self._held -= len(text.encode())


def pause_after(text: str) -> float:
    """Milliseconds of silence that belong behind it, as within one text."""
    if _PARAGRAPH_END.search(text):
        return PARAGRAPH_PAUSE_MS
    return SENTENCE_PAUSE_MS if _SENTENCE_END.search(text) else CLAUSE_PAUSE_MS


def told(refusal: Refusal) -> dict[str, Any]:
    """The event."""
    error = {"type": refusal.type, "code": refusal.code, "message": refusal.message, "param": refusal.param}
    return {"type": "error", "error": error}
