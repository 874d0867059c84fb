"""The speech of one socket, without any: its text, its pieces, its sound, its clock."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.errors import InsufficientQuota
from config.errors import Unavailable
from jobs.closing import Closed
from voice.speech_stream.session import AHEAD, MOST_HELD, SECOND, Effect, Ending, Piece, Session, Sound, TooMuchText, pause_after

START = 100.0
# of the clock


@pytest.fixture
def session() -> Session:
    return Session("en")


def make(session: Session, piece: Piece, seconds: float = 1.0, **timed: Any) -> None:
    session.add(piece, b"\1\0" * round(seconds * SECOND / 2))
    session.complete(piece, characters=len(piece.text), timed=timed)


def drained(session: Session, now: float = START) -> list[Effect]:
    """All there is to send now."""
    found: list[Effect] = []
    while (effect := session.next(now)) is not None:
        found.append(effect)
        if isinstance(effect, Closed):
            break
    return found


def kinds(effects: list[Effect]) -> list[str]:
    """Of the events; sound as one however many blocks it has."""
    found: list[str] = []
    for effect in effects:
        kind = effect["type"] if isinstance(effect, dict) else type(effect).__name__
        if not (found and found[-1] == kind == "Sound"):
            found.append(kind)
    return found


def seconds(effects: list[Effect]) -> float:
    return sum(len(effect.pcm) for effect in effects if isinstance(effect, Sound)) / SECOND


def test_the_sound_of_pieces_goes_out_in_the_order_of_their_text(session):
    session.append("One here. Two here. ")
    session.flush()
    first, second = session.begin()

    make(session, second)
    before = drained(session)
    make(session, first)
    after = drained(session)

    assert before == []
    assert kinds(after) == ["speech.started", "Sound", "speech.done"] * 2 + ["speech.flushed"]
    assert [effect["piece"] for effect in after if isinstance(effect, dict) and "piece" in effect] == [0, 0, 1, 1]
    assert first.text + second.text == "One here. Two here. "


def test_no_more_is_begun_than_two_pieces_beyond_what_was_sent(session):
    session.append("One here. Two here. Three here. Four here. ")
    session.flush()
    first, second = session.begin()

    make(session, first)
    waiting = session.begin()
    drained(session)
    third = session.begin()

    assert (waiting, len(third)) == ([], 1)
    assert second.number + 1 == third[0].number == 2


def test_sound_runs_ahead_of_real_time_by_a_bound(session):
    session.append("A long piece.")
    session.flush()
    [piece] = session.begin()
    make(session, piece, seconds=100)

    at_once = seconds(drained(session))
    wait = session.wait(START)
    later = seconds(drained(session, START + 10))

    assert AHEAD - 1 < at_once <= AHEAD
    assert wait is not None
    assert 0 < wait < 1
    assert 9 < later < 11


def test_between_sentences_is_a_pause_and_times_count_from_the_first_sound_of_all(session):
    session.append("One here. Two here. ")
    session.flush()
    first, second = session.begin()
    make(session, first, words=[{"word": "One", "start": 0.1, "end": 0.4}])
    make(session, second, words=[{"word": "Two", "start": 0.1, "end": 0.4}])

    told = drained(session)

    words = [effect["words"] for effect in told if isinstance(effect, dict) and "words" in effect]
    assert words == [[{"word": "One", "start": 0.1, "end": 0.4}], [{"word": "Two", "start": 1.35, "end": 1.65}]]
    assert [effect["seconds"] for effect in told if isinstance(effect, dict) and "seconds" in effect] == [1.0, 1.0]
    assert seconds(told) == 2.25
    # in front of the sound that they are of
    assert kinds(told)[:4] == ["speech.started", "speech.timestamps", "Sound", "speech.done"]


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("One, ", 80), ("One", 80), ("One. ", 250), ("“One?” ", 250), ("一。", 250), ("One\n", 250), ("One.\n\n", 600), ("- One\n \n", 600)],
)
def test_the_pause_is_what_the_text_asks_for(text, milliseconds):
    assert pause_after(text) == milliseconds


def test_a_cancel_forgets_everything_and_the_next_text_begins_anew(session):
    session.append("One here. Two here. Three here. And so")
    first, _ = session.begin()
    session.add(first, b"\1\0" * SECOND)
    drained(session)

    told = session.cancel(START)
    # by whoever had not heard of it yet
    make(session, first)
    nothing = drained(session)
    session.append("Four here.")
    session.flush()
    [fourth] = session.begin()
    make(session, fourth)

    assert told == {"type": "speech.cancelled", "piece": 0, "seconds": 2.0}
    assert nothing == []
    assert fourth.text == "Four here."
    assert kinds(drained(session)) == ["speech.started", "Sound", "speech.done", "speech.flushed"]


def test_as_much_text_is_held_and_what_is_beyond_is_refused(session):
    session.append("a" * (MOST_HELD - 2))

    with pytest.raises(TooMuchText):
        session.append("é.b")
    session.cancel(START)
    session.append("é" * (MOST_HELD // 2))


def test_text_that_is_being_spoken_is_held_no_more(session):
    sentences = "One. Two. " * (MOST_HELD // 10)
    session.append(sentences)

    for piece in session.begin():
        make(session, piece)
    drained(session)

    session.append("Six. ")


def test_what_cannot_be_spoken_is_passed_over(session):
    session.append("*** \n")
    session.flush()
    session.append("!")
    session.end()

    begun = session.begin()
    told = drained(session)

    assert begun == []
    assert told[:-1] == [{"type": "speech.flushed"}, {"type": "session.ended", "characters": 0, "seconds": 0.0}]
    assert isinstance(told[-1], Closed)
    assert told[-1].code == 1000


def test_flushes_without_end_take_no_room(session):
    session.append("One here.")
    for _ in range(1000):
        session.flush()
    [piece] = session.begin()
    make(session, piece)

    assert len(session._line) + len(session._text) <= 3
    assert kinds(drained(session))[-1000:] == ["speech.flushed"] * 1000


def test_an_end_speaks_the_rest_and_takes_nothing_more(session):
    session.append("One here")
    session.end()
    [piece] = session.begin()
    make(session, piece)

    told = drained(session)

    assert kinds(told) == ["speech.started", "Sound", "speech.done", "Sound", "session.ended", "Closed"]
    assert isinstance(told[-3], Sound)
    assert told[-3].last
    assert told[-2] == {"type": "session.ended", "characters": 8, "seconds": 1.0}
    for more in (lambda: session.append("x"), session.flush, session.end):
        with pytest.raises(Ending):
            more()


def test_a_piece_that_fails_is_told_in_its_place_and_the_next_is_spoken(session):
    session.append("One here. Two here.")
    session.flush()
    first, second = session.begin()
    make(session, second)

    session.fail(first, Unavailable(), ends_session=False)

    told = drained(session)
    assert kinds(told) == ["error", "speech.started", "Sound", "speech.done", "speech.flushed"]
    assert isinstance(told[0], dict)
    assert told[0] == {
        "type": "error",
        "piece": 0,
        "error": {"type": "server_error", "code": "service_unavailable", "message": Unavailable.message, "param": None},
    }


def test_what_was_paid_for_is_heard_before_the_session_ends_for_want_of_more(session):
    session.append("One here. Two here. Three here. ")
    session.flush()
    first, second = session.begin()

    session.fail(second, InsufficientQuota(), ends_session=True)
    make(session, first)
    begun = session.begin()
    told = drained(session)

    assert begun == []
    assert kinds(told) == ["speech.started", "Sound", "speech.done", "error", "Closed"]
    assert isinstance(told[-1], Closed)
    assert (told[-1].code, told[-1].reason) == (1008, "insufficient_quota")
