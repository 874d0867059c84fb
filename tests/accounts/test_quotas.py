"""What a plan allows, to the last character and from the first instant of a period."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, transaction

from accounts import quotas
from accounts.errors import InsufficientQuota
from accounts.models import Override, Plan, Quota, Usage, User
from accounts.quotas import Allowance, Amount, Charge, Reservation, allowance, period
from jobs import services
from jobs.models import OPEN, Item, Job, State
from tests.factories import make_worker, tone_options
from voice.catalogue import synchronise

pytestmark = pytest.mark.shapes("embedded", "deployed")

ADMITTED = 50
ASKING = 200
THREADS = 32
AN_INSTANT = timedelta(microseconds=1)


def make_plan(**fields) -> Plan:
    """The default plan."""
    return Plan.objects.create(**{"name": "small", "is_default": True, **fields})


def order(characters: int = 1, milliseconds: int = 0) -> services.Order:
    return services.Order(
        actor="speak",
        text="x",
        format="pcm",
        media_type="audio/pcm",
        expected=Amount(characters, milliseconds),
        store=False,
        options=tone_options(),
    )


def submit(owner: User, *orders: services.Order) -> Job:
    return services.submit(owner=owner, api_key=None, kind="speech", orders=orders or [order()])


def reserve(owner: User, amount: Amount, *, kind: str = "speech", allowed: Allowance | None = None) -> Reservation:
    with transaction.atomic():
        return quotas.reserve(owner, kind, amount, allowed or allowance(owner))


def charge(item_id: str, amount: Amount) -> Charge:
    return Charge(item_id=item_id, api_key_id=None, amount=amount, voice="slt", model="flite")


def at(moment: datetime, owner: User) -> Allowance:
    """What the owner was allowed at a moment."""
    allowed = allowance(owner)
    starts_at, ends_at = period(allowed.plan, moment)
    return replace(allowed, starts_at=starts_at, ends_at=ends_at, now=moment)


def instants(zone: str, span: str, moment: str) -> tuple[str, str]:
    """The first instant of the period that a moment is in, and that of the next one, in UTC."""
    first, following = period(Plan(time_zone=zone, span=span), datetime.fromisoformat(moment))
    return f"{first:%Y-%m-%dT%H:%MZ}", f"{following:%Y-%m-%dT%H:%MZ}"


# ── Together ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_of_many_at_once_exactly_as_many_are_admitted_as_the_quota_allows(transactional_db, alice):
    make_plan(characters=ADMITTED)
    make_worker()

    def attempt(_number: int) -> bool:
        try:
            submit(alice)
        except InsufficientQuota:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        admitted = list(threads.map(attempt, range(ASKING)))

    assert (admitted.count(True), admitted.count(False)) == (ADMITTED, ASKING - ADMITTED)
    assert Quota.objects.get().characters_reserved == Item.objects.count() == ADMITTED
    call_command("audit_usage")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_done_in_whatever_order_the_counters_add_up(transactional_db, alice, bob, seed):
    dice = random.Random(seed)
    make_plan(characters=120)
    Override.objects.create(owner=bob, characters=60, speech_seconds=30)
    make_worker()

    for _ in range(60):
        owner = dice.choice([alice, bob])
        items = Item.objects.of(owner).select_related("job").order_by("pk")
        step = dice.choice(["submit", "submit", "complete", "complete", "fail", "cancel", "retry"])
        if step == "submit":
            try:
                submit(owner, *(order(dice.randint(0, 9), dice.randint(0, 3000)) for _ in range(dice.randint(1, 4))))
            except InsufficientQuota:
                continue
        elif step in ("complete", "fail") and (item := items.filter(state=State.QUEUED).first()):
            assert item.claim(worker="test", lease=timedelta(seconds=60))
            made = item.charge(Amount(dice.randint(0, 12), dice.randint(0, 4000)))
            assert item.end(State.COMPLETED, charge=made) if step == "complete" else item.end(State.FAILED)
        elif step == "cancel" and (job := Job.objects.of(owner).open().first()):
            services.cancel(job=job)
        elif step == "retry" and (item := items.filter(state=State.FAILED).first()):
            try:
                services.retry(job=item.job)
            except InsufficientQuota:
                continue

    call_command("audit_usage")
    for job in Job.objects.filter(state__in=OPEN):
        services.cancel(job=job)
    assert sum(quota.characters_reserved + quota.speech_ms_reserved for quota in Quota.objects.all()) == 0
    call_command("audit_usage")


# ── How much ────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_last_character_is_admitted_and_no_more(db, alice):
    make_plan(characters=10)
    reserve(alice, Amount(characters=9))

    reserve(alice, Amount(characters=1))

    with pytest.raises(InsufficientQuota):
        reserve(alice, Amount(characters=1))
    assert Quota.objects.get().characters_reserved == 10


def test_work_that_costs_nothing_is_admitted_when_the_period_is_spent(db, alice):
    make_plan(characters=0, speech_seconds=0)

    reserve(alice, Amount())


def test_a_refusal_says_how_much_is_left_until_when(db, alice):
    make_plan(characters=10)
    reserve(alice, Amount(characters=7))

    with pytest.raises(InsufficientQuota) as refused:
        reserve(alice, Amount(characters=4))

    ends_at = allowance(alice).ends_at
    assert refused.value.message == f"This needs 4 characters and 3 of 10 are left until {ends_at:%Y-%m-%dT%H:%M:%SZ}."
    assert 0 < (refused.value.retry_after or 0) <= timedelta(days=31).total_seconds()


@pytest.mark.parametrize("kind", ["speech", "transcription", "conversion"])
def test_each_kind_of_work_has_seconds_of_its_own(db, alice, kind):
    make_plan(**{f"{kind}_seconds": 2})
    other = "speech" if kind == "conversion" else "conversion"
    reserve(alice, Amount(milliseconds=60_000), kind=other)
    reserve(alice, Amount(milliseconds=1500), kind=kind)

    with pytest.raises(InsufficientQuota) as refused:
        reserve(alice, Amount(milliseconds=501), kind=kind)

    assert f"1 {kind}_seconds and 0 of 2 are left" in refused.value.message
    reserve(alice, Amount(milliseconds=500), kind=kind)


@pytest.mark.parametrize("limit", ["characters", "speech_seconds"])
def test_the_highest_limit_that_can_be_set_is_one_that_holds(db, alice, limit):
    make_plan(**{limit: 2**63 - 1})

    reserve(alice, Amount(characters=1, milliseconds=1))

    assert Quota.objects.get().speech_ms_reserved == 1


def test_without_any_plan_nothing_is_refused(db, alice):
    reserve(alice, Amount(characters=10**12, milliseconds=10**12))

    assert Quota.objects.get().characters_reserved == 10**12


def test_a_plan_without_limits_refuses_nothing(db, alice):
    make_plan()

    reserve(alice, Amount(characters=10**12, milliseconds=10**12))


def test_a_users_own_plan_stands_before_the_default_one(db, alice, bob):
    make_plan(characters=1)
    alice.plan = Plan.objects.create(name="large", characters=5)
    alice.save()

    reserve(alice, Amount(characters=5))

    with pytest.raises(InsufficientQuota):
        reserve(bob, Amount(characters=5))


def test_what_differs_for_one_user_beats_his_plan_limit_by_limit(db, alice, bob):
    make_plan(characters=5, speech_seconds=5)
    Override.objects.create(owner=alice, characters=0)
    Override.objects.create(owner=bob, characters=50)

    limits = allowance(bob).limits

    assert (limits["characters"], limits["speech_seconds"], limits["conversion_seconds"]) == (50, 5, None)
    with pytest.raises(InsufficientQuota):
        reserve(alice, Amount(characters=1))


def test_work_that_came_to_more_than_was_expected_is_charged_in_full(db, alice):
    make_plan(characters=10)
    reservation = reserve(alice, Amount(characters=10))

    quotas.settle(reservation, [charge("item_1", Amount(characters=12))])

    quota = Quota.objects.get()
    assert (quota.characters, quota.characters_reserved) == (12, 0)
    with pytest.raises(InsufficientQuota) as refused:
        reserve(alice, Amount(characters=1))
    assert "0 of 10 are left" in refused.value.message


def test_what_was_reserved_for_nothing_is_there_again(db, alice):
    make_plan(characters=10)

    quotas.settle(reserve(alice, Amount(characters=10)), [])

    reserve(alice, Amount(characters=10))


def test_the_characters_of_others_do_not_count(db, alice, bob):
    make_plan(characters=10)
    reserve(alice, Amount(characters=10))

    reserve(bob, Amount(characters=10))


# ── When ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("zone", "span", "moment", "first", "following"),
    [
        ("UTC", "month", "2024-02-29T23:59:59.999999Z", "2024-02-01T00:00Z", "2024-03-01T00:00Z"),
        ("UTC", "month", "2025-12-31T23:59:59Z", "2025-12-01T00:00Z", "2026-01-01T00:00Z"),
        ("UTC", "day", "2024-02-29T12:00:00Z", "2024-02-29T00:00Z", "2024-03-01T00:00Z"),
        # summer time begins on 2026-03-29 and ends on 2026-10-25, both within their months
        ("Europe/Berlin", "month", "2026-03-15T12:00:00Z", "2026-02-28T23:00Z", "2026-03-31T22:00Z"),
        ("Europe/Berlin", "month", "2026-10-31T22:59:59Z", "2026-09-30T22:00Z", "2026-10-31T23:00Z"),
        ("Europe/Berlin", "day", "2026-03-29T12:00:00Z", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),  # 23 hours
        ("Europe/Berlin", "day", "2026-10-25T00:30:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),  # 25 hours
        ("Europe/Berlin", "day", "2026-10-25T01:30:00Z", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),  # the hour's second time
        ("Europe/Berlin", "day", "2026-10-25T23:00:00Z", "2026-10-25T23:00Z", "2026-10-26T23:00Z"),
        ("Pacific/Auckland", "month", "2026-03-31T12:00:00Z", "2026-03-31T11:00Z", "2026-04-30T12:00Z"),
        ("Pacific/Auckland", "month", "2026-09-30T10:59:59Z", "2026-08-31T12:00Z", "2026-09-30T11:00Z"),
        ("Pacific/Auckland", "day", "2026-04-04T20:00:00Z", "2026-04-04T11:00Z", "2026-04-05T12:00Z"),  # 25 hours
        ("Pacific/Auckland", "day", "2026-09-26T20:00:00Z", "2026-09-26T12:00Z", "2026-09-27T11:00Z"),  # 23 hours
        ("America/Sao_Paulo", "month", "2026-01-01T02:59:59Z", "2025-12-01T03:00Z", "2026-01-01T03:00Z"),
        # at midnight the clock was put forward to one: the day began then
        ("America/Sao_Paulo", "day", "2018-11-04T12:00:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        ("America/Sao_Paulo", "day", "2018-11-04T02:59:59Z", "2018-11-03T03:00Z", "2018-11-04T03:00Z"),
        # and at midnight back to eleven: it began an hour later
        ("America/Sao_Paulo", "day", "2018-02-18T02:30:00Z", "2018-02-17T02:00Z", "2018-02-18T03:00Z"),
        ("America/Sao_Paulo", "day", "2018-02-18T03:00:00Z", "2018-02-18T03:00Z", "2018-02-19T03:00Z"),
        # a midnight that comes twice
        ("America/Havana", "day", "2026-11-01T04:30:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
        ("America/Havana", "day", "2026-11-01T05:30:00Z", "2026-11-01T04:00Z", "2026-11-02T05:00Z"),
        # a day that was left out
        ("Pacific/Apia", "day", "2011-12-30T09:59:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"),
        ("Asia/Kathmandu", "month", "2026-01-31T18:15:00Z", "2026-01-31T18:15Z", "2026-02-28T18:15Z"),
    ],
)
def test_a_period_begins_at_midnight_where_the_plan_is(zone, span, moment, first, following):
    assert instants(zone, span, moment) == (first, following)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/Sao_Paulo", "America/Havana", "Pacific/Apia"])
@pytest.mark.parametrize("span", ["day", "month"])
@pytest.mark.parametrize("year", [2011, 2018, 2026])
def test_periods_follow_each_other_without_gap_or_overlap(zone, span, year):
    plan = Plan(time_zone=zone, span=span)
    _, end = period(plan, datetime(year, 1, 1, tzinfo=UTC))

    while end.year == year:
        starts_at, following = period(plan, end)
        assert starts_at == end
        assert period(plan, following - AN_INSTANT) == (starts_at, following)
        end = following


def test_the_next_period_has_an_allowance_of_its_own_from_its_first_instant(db, alice):
    make_plan(characters=10, time_zone="Europe/Berlin")
    turn = datetime(2026, 3, 31, 22, tzinfo=UTC)
    reserve(alice, Amount(characters=10), allowed=at(turn - timedelta(days=3), alice))

    with pytest.raises(InsufficientQuota):
        reserve(alice, Amount(characters=1), allowed=at(turn - AN_INSTANT, alice))
    late = reserve(alice, Amount(characters=10), allowed=at(turn, alice))

    assert late.starts_at == turn
    assert list(Quota.objects.values_list("starts_at", "characters_reserved")) == [(turn, 10), (datetime(2026, 2, 28, 23, tzinfo=UTC), 10)]


def test_work_that_ends_in_the_next_period_is_charged_to_the_one_it_was_reserved_in(db, alice):
    make_plan(characters=10)
    turn = datetime(2026, 4, 1, tzinfo=UTC)
    early = reserve(alice, Amount(characters=10), allowed=at(turn - AN_INSTANT, alice))
    reserve(alice, Amount(characters=4), allowed=at(turn, alice))

    quotas.settle(early, [charge("item_1", Amount(characters=9))])

    assert list(Quota.objects.values_list("characters", "characters_reserved")) == [(0, 4), (9, 0)]
    assert Usage.objects.get().period_starts_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_what_is_allowed_now_is_of_the_period_that_is_now(db, alice):
    make_plan(span="day", time_zone="Pacific/Auckland")

    allowed = allowance(alice)

    assert allowed.starts_at <= allowed.now < allowed.ends_at
    assert abs(allowed.now - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "europe/berlin"])
def test_a_plan_is_in_a_time_zone_that_there_is(zone):
    with pytest.raises(ValidationError) as refused:
        Plan(name="x", time_zone=zone).clean_fields()

    assert "time_zone" in refused.value.message_dict


# ── Over HTTP ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_client_is_told_not_to_try_again(db, alice, client_of):
    synchronise()
    make_worker()
    make_plan(characters=3)

    response = client_of(alice).post("/v1/audio/speech", {"model": "tts-1", "voice": "alloy", "input": "Hello."}, format="json")

    error = response.json()["error"]
    assert response.status_code == 429
    assert (error["code"], error["type"]) == ("insufficient_quota", "insufficient_quota")
    assert "6 characters and 3 of 3 are left" in error["message"]
    assert response["x-should-retry"] == "false"
    assert 0 < int(response["Retry-After"]) <= timedelta(days=31).total_seconds()
    assert not Job.objects.exists()
    assert not Quota.objects.exists()
