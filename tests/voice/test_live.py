"""The rows of live sessions: begun within a limit, kept alive, ended once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from dramatiq_crontab import scheduler

from accounts import tokens
from accounts.models import ClientSecret, Override, Plan, Scope, User
from accounts.tokens import Identity
from config.errors import Refusal
from tests.factories import make_live_session
from voice import live
from voice.errors import SecretUsed, SessionBusy, SessionNotFound, TooManySessions
from voice.live import Figures
from voice.models import LiveSession, SessionState
from voice.models.live import Dialect, Kind

pytestmark = pytest.mark.shapes("embedded", "deployed")

LOST = timedelta(seconds=46)
# of silence: what a client has to come back in, and five beats
FIGURES = Figures(2.5, 1.25, 3, 40, 50, 1, 210, 480, 650)


def known(user: User) -> Identity:
    return tokens.identify(tokens.sign_in(user).access)


def with_secret(user: User) -> Identity:
    secret = tokens.issue_secret(maker=known(user), session={}, lifetime=timedelta(minutes=1))
    return tokens.identify_live(tokens.value_of(secret))


def begin(identity: Identity) -> LiveSession:
    return live.begin(identity=identity, model="gpt-realtime", kind=Kind.REALTIME, dialect=Dialect.GA)


def at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    """What each of so many threads comes to, or the refusal that it meets."""

    def one(place: int) -> Any:
        try:
            return act(place)
        except Refusal as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(one, range(number)))


@pytest.fixture
def elsewhere(monkeypatch) -> Callable[[], None]:
    """From when it is called on, this is another process."""
    return lambda: monkeypatch.setattr(live, "PROCESS", "another:1:abcdef")


@pytest.fixture
def limited(alice: User) -> None:
    Override.objects.create(owner=alice, concurrent_sessions=3)


def test_a_session_that_begins_says_whose_it_is_and_with_what(alice):
    key, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.REALTIME])

    session = begin(tokens.identify(token))

    assert (session.owner, session.api_key, session.model, session.kind, session.dialect) == (alice, key, "gpt-realtime", "realtime", "ga")
    assert (session.state, session.ended_at, session.end_reason) == (SessionState.OPEN, None, "")
    assert session.pk.startswith("sess_")
    assert abs(timezone.now() - session.started_at) < timedelta(seconds=10)


def test_of_sixteen_that_begin_at_once_as_many_do_as_the_plan_allows(transactional_db, limited, alice):
    identity = known(alice)

    results = at_once(16, lambda _: begin(identity))

    assert results.count(TooManySessions) == 13
    assert LiveSession.objects.open().count() == 3


def test_the_limit_is_the_owner_s_own_and_what_is_over_or_lost_does_not_count(limited, alice, bob):
    make_live_session(alice, state=SessionState.CLOSED)
    lost = make_live_session(alice, silent=LOST)
    begun = [begin(known(alice)) for _ in range(3)]

    with pytest.raises(TooManySessions) as refused:
        begin(known(alice))

    assert (refused.value.status, refused.value.code) == (429, "rate_limit_exceeded")
    assert begin(known(bob))
    lost.refresh_from_db()
    assert (lost.state, lost.end_reason) == (SessionState.CLOSED, "lost")
    live.end(begun[0].pk, "client_left", Figures())
    assert begin(known(alice))


def test_a_plan_may_allow_none(alice):
    Plan.objects.create(name="none", is_default=True, concurrent_sessions=0)

    with pytest.raises(TooManySessions):
        begin(known(alice))


def test_of_sixteen_that_come_with_the_same_secret_at_once_one_begins(transactional_db, alice):
    identity = with_secret(alice)

    results = at_once(16, lambda _: begin(identity))

    assert results.count(SecretUsed) == 15
    assert LiveSession.objects.get().pk == live.session_of(ClientSecret.objects.get())


def test_a_secret_that_met_the_limit_can_still_be_used(limited, alice):
    identity = with_secret(alice)
    held = [make_live_session(alice) for _ in range(3)]
    with pytest.raises(TooManySessions):
        begin(identity)

    live.end(held[0].pk, "client_left", Figures())

    assert begin(identity)


def test_a_beat_writes_down_what_the_session_came_to(alice):
    session = make_live_session(alice, silent=timedelta(seconds=20))

    assert live.beat(session.pk, FIGURES)

    session.refresh_from_db()
    assert (session.seconds_in, session.responses, session.tokens_out, session.first_audio_ms) == (2.5, 3, 50, 650)
    assert timezone.now() - session.seen_at < timedelta(seconds=10)


def test_a_beat_tells_of_the_end_whoever_wants_it(alice):
    asked, closed = make_live_session(alice), make_live_session(alice)
    assert asked.ask_to_end("ended_by_staff")
    assert not asked.ask_to_end("ended_by_owner")
    live.end(closed.pk, "client_left", Figures())

    assert not live.beat(asked.pk, Figures())
    assert not live.beat(closed.pk, Figures())
    assert not live.beat("sess_x", Figures())
    assert not closed.ask_to_end("ended_by_staff")


def test_one_beat_of_all_sessions_tells_which_are_to_end(alice):
    silence = timedelta(seconds=20)
    kept, asked, closed, other = (make_live_session(alice, silent=silence) for _ in range(4))
    asked.ask_to_end("ended_by_staff")
    live.end(closed.pk, "client_left", Figures())
    LiveSession.objects.filter(pk=other.pk).update(process="another")

    assert live.beat_all([kept.pk, asked.pk, closed.pk]) == {asked.pk, closed.pk}

    for session in (kept, other):
        session.refresh_from_db()
    assert (timezone.now() - kept.seen_at < silence, timezone.now() - other.seen_at < silence) == (True, False)


def test_a_session_that_somebody_wanted_ended_says_who(alice):
    session = make_live_session(alice)
    session.ask_to_end("ended_by_owner")

    assert live.end(session.pk, "client_left", FIGURES)

    session.refresh_from_db()
    assert (session.state, session.end_reason, session.interruptions) == (SessionState.CLOSED, "ended_by_owner", 1)
    assert session.ended_at is not None


def test_of_sixteen_that_end_a_session_at_once_one_does(transactional_db, alice):
    session = make_live_session(alice, silent=LOST)

    def end(place: int) -> bool:
        if place % 4 == 0:
            live.close_lost()
            return False
        return live.end(session.pk, f"reason_{place}", Figures(responses=place))

    results = at_once(16, end)

    session.refresh_from_db()
    by_sweep = session.end_reason == "lost"
    assert sum(results) == (0 if by_sweep else 1)
    assert by_sweep or session.end_reason == f"reason_{results.index(True)}"
    assert by_sweep or session.responses == results.index(True)


@pytest.mark.parametrize("keeps", [True, False])
def test_what_was_said_is_kept_where_the_plan_said_so_when_it_began(alice, keeps):
    Plan.objects.create(name="plan", is_default=True, keep_transcripts=keeps)
    session = begin(known(alice))
    Plan.objects.update(keep_transcripts=not keeps)
    said = [{"role": "user", "text": "hello"}]

    live.end(session.pk, "client_left", Figures(), said)

    session.refresh_from_db()
    assert session.transcript == (said if keeps else None)


def test_a_session_whose_process_died_is_closed_as_of_when_it_was_last_heard_of(alice):
    dead, asked = make_live_session(alice, silent=LOST), make_live_session(alice, silent=LOST)
    asked.ask_to_end("ended_by_staff")
    alive = make_live_session(alice, silent=timedelta(seconds=40))

    live.close_lost()

    for session in (dead, asked, alive):
        session.refresh_from_db()
    assert (dead.end_reason, dead.ended_at) == ("lost", dead.seen_at)
    assert asked.end_reason == "ended_by_staff"
    assert alive.state == SessionState.OPEN


def test_the_workers_are_told_to_look_for_them():
    assert "close_lost_sessions" in {job.name for job in scheduler.get_jobs()}


def test_a_client_comes_back_to_its_session_on_another_process_and_the_first_loses_it(alice, elsewhere):
    session = begin(known(alice))
    first = live.PROCESS
    assert live.leave(session.pk, Figures(responses=3), {"items": ["x"]})
    elsewhere()

    assert live.resume(identity=known(alice), session_id=session.pk) == (session, {"items": ["x"]})

    session.refresh_from_db()
    assert (session.left_at, session.snapshot, session.end_reason, session.responses) == (None, None, "", 3)
    assert live.beat(session.pk, Figures())
    LiveSession.objects.update(process=first)
    assert not live.beat(session.pk, Figures())
    assert not live.end(session.pk, "client_left", Figures())
    assert LiveSession.objects.open().exists()


def test_a_session_whose_client_is_there_is_not_taken_up(alice):
    session = begin(known(alice))

    with pytest.raises(SessionBusy):
        live.resume(identity=known(alice), session_id=session.pk)


def test_a_session_that_its_client_left_is_none_of_those_that_he_may_have(alice):
    Override.objects.create(owner=alice, concurrent_sessions=1)
    live.leave(begin(known(alice)).pk, Figures(), {})

    assert begin(known(alice))


def test_nothing_is_kept_of_a_session_that_nobody_came_back_to(alice):
    session = begin(known(alice))
    live.leave(session.pk, Figures(), {"items": ["x"]})
    LiveSession.objects.update(seen_at=Now() - LOST)

    live.close_lost()

    session.refresh_from_db()
    assert (session.state, session.end_reason, session.snapshot) == (SessionState.CLOSED, "client_left", None)


def test_nobody_comes_back_to_what_is_not_his_is_over_is_ending_or_was_lost(alice, bob):
    theirs, over, ending, lost = (make_live_session(owner, silent=silent) for owner, silent in (
        (bob, timedelta(0)), (alice, timedelta(0)), (alice, timedelta(0)), (alice, LOST)
    ))  # fmt: skip
    live.end(over.pk, "client_left", Figures())
    ending.ask_to_end("ended_by_staff")

    for session_id in (theirs.pk, over.pk, ending.pk, lost.pk, "sess_x", "", "\0", "x" * 10_000):
        with pytest.raises(SessionNotFound):
            live.resume(identity=known(alice), session_id=session_id)


def test_a_secret_comes_back_to_the_session_that_it_began_and_to_no_other(alice):
    identity = with_secret(alice)
    session = begin(identity)
    live.leave(session.pk, Figures(), {})
    ClientSecret.objects.update(expires_at=Now() - timedelta(seconds=1))
    again = tokens.identify_live(tokens.value_of(ClientSecret.objects.get()))

    assert live.resume(identity=again, session_id=session.pk) == (session, {})

    with pytest.raises(SessionNotFound):
        live.resume(identity=again, session_id=make_live_session(alice).pk)
    with pytest.raises(SecretUsed):
        begin(again)
