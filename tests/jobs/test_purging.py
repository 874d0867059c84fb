from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import ClientSecret, Replay, SignIn
from jobs import purging
from jobs.models import Blob, Output
from jobs.purging import purge
from tests.factories import make_output

pytestmark = pytest.mark.shapes("embedded", "deployed")

HOUR = timedelta(hours=1)


def ago(**fields: float):
    return timezone.now() - timedelta(**fields)


def unnamed(owner, data: bytes, *, kept: timedelta) -> str:
    """A blob that no output is, kept so long ago."""
    output = make_output(owner, data)
    output.delete()
    Blob.objects.filter(pk=output.blob_id).update(kept_at=Now() - kept)
    return output.blob_id


def test_an_expired_output_is_removed_with_its_file(transactional_db, alice):
    output = make_output(alice, expires_at=ago(seconds=1))

    purge()

    assert not Output.objects.exists()
    assert not Blob.objects.exists()
    assert not default_storage.exists(output.blob_id)


@pytest.mark.parametrize(
    "fields",
    [{"expires_at": None}, {"expires_at": timezone.now() + HOUR}, {"expires_at": timezone.now() - HOUR, "legal_hold": True}],
    ids=["kept for good", "not yet", "on hold"],
)
def test_an_output_that_is_to_stay_stays(transactional_db, alice, fields):
    output = make_output(alice, **fields)

    purge()

    assert Output.objects.get() == output
    assert default_storage.exists(output.blob_id)


def test_a_file_stays_while_another_output_is_the_same_bytes(transactional_db, alice):
    make_output(alice, b"same", expires_at=ago(seconds=1))
    lasting = make_output(alice, b"same")

    purge()

    assert Output.objects.get() == lasting
    assert default_storage.exists(lasting.blob_id)


def test_a_hold_that_comes_between_the_look_and_the_purge_holds(transactional_db, alice):
    output = make_output(alice, expires_at=ago(seconds=1))
    looked_up = Output.objects.expired().get()
    Output.objects.update(legal_hold=True)

    assert not purging._forgotten(looked_up)

    assert Output.objects.filter(pk=output.pk).exists()


def test_a_blob_that_nobody_names_is_removed_after_an_hour(transactional_db, alice):
    old = unnamed(alice, b"old", kept=HOUR + timedelta(minutes=1))
    new = unnamed(alice, b"new", kept=HOUR - timedelta(minutes=1))

    purge()

    assert list(Blob.objects.values_list("pk", flat=True)) == [new]
    assert (default_storage.exists(old), default_storage.exists(new)) == (False, True)


def test_a_file_that_went_before_its_row_is_no_obstacle(transactional_db, alice):
    """As a purge leaves it that was killed between the two."""
    name = unnamed(alice, b"old", kept=2 * HOUR)
    default_storage.delete(name)

    purge()

    assert not Blob.objects.exists()


def test_replays_are_forgotten_after_two_days(db, alice):
    for key, hours in (("old", 49), ("new", 47)):
        Replay.objects.create(owner=alice, key=key, fingerprint="x")
        Replay.objects.filter(key=key).update(created_at=ago(hours=hours))

    purge()

    assert [replay.key for replay in Replay.objects.all()] == ["new"]


def test_sign_ins_are_forgotten_a_month_after_their_end(db, alice):
    for token_id, expires_at, ended_at in [
        ("expired long ago", ago(days=31), None),
        ("ended long ago", ago(days=-1), ago(days=31)),
        ("expired", ago(days=29), None),
        ("ended", ago(days=-1), ago(days=29)),
        ("live", ago(days=-1), None),
    ]:
        SignIn.objects.create(owner=alice, token_id=token_id, expires_at=expires_at, ended_at=ended_at)

    purge()

    assert {row.token_id for row in SignIn.objects.all()} == {"expired", "ended", "live"}


def test_client_secrets_are_forgotten_two_days_after_their_end(db, alice):
    for expires_at in (ago(hours=49), ago(hours=47), ago(hours=-1)):
        ClientSecret.objects.create(owner=alice, expires_at=expires_at)

    purge()

    assert ClientSecret.objects.count() == 2


def test_more_than_a_batch_is_removed_at_once(transactional_db, alice, monkeypatch):
    monkeypatch.setattr(purging, "BATCH", 2)
    for number in range(5):
        make_output(alice, str(number).encode(), expires_at=ago(seconds=1))
        Replay.objects.create(owner=alice, key=str(number), fingerprint="x")
    Replay.objects.update(created_at=ago(days=3))

    purge()

    assert (Output.objects.count(), Blob.objects.count(), Replay.objects.count()) == (0, 0, 0)


def test_a_purge_ends_when_its_time_is_over_and_the_next_goes_on(transactional_db, alice, monkeypatch):
    make_output(alice, expires_at=ago(seconds=1))
    with monkeypatch.context() as patch:
        patch.setattr(purging, "LONGEST", 0.0)
        purge()
    assert Output.objects.exists()

    purge()

    assert not Output.objects.exists()


def test_many_may_purge_at_once(transactional_db, alice):
    for number in range(20):
        make_output(alice, str(number // 2).encode(), expires_at=ago(seconds=1))
        unnamed(alice, f"blob {number}".encode(), kept=2 * HOUR)

    def purging_too(_: int) -> None:
        try:
            purge()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(purging_too, range(4)))

    assert (Output.objects.count(), Blob.objects.count()) == (0, 0)
    assert not any(default_storage.listdir(f"{alice.pk}/{folder}")[1] for folder in default_storage.listdir(str(alice.pk))[0])
