"""Bytes that items work on: kept as long as they are needed, and no longer."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models.deletion import get_candidate_relations_to_delete
from django.db.models.functions import Now

from accounts.models import Plan
from accounts.quotas import Amount
from jobs.errors import StorageFull, StorageUnavailable
from jobs.models import Blob, Item, State
from jobs.models.output import _naming
from jobs.purging import purge
from jobs.services import Order, cancel, submit
from jobs.storage import fetched, keep, remove
from jobs.work import Work, claim
from tests.factories import make_item, make_output, make_worker
from voice.engines.base import UnsupportedText

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]

LONG_AGO = timedelta(days=2)


def make_source(owner, data: bytes = b"to be worked on", *, kept: timedelta = LONG_AGO) -> Blob:
    blob = keep(io.BytesIO(data), owner_id=owner.pk, form="wav")
    Blob.objects.filter(pk=blob.pk).update(kept_at=Now() - kept)
    return blob


def order(source: Blob | None, **fields) -> Order:
    ordinary = {"actor": "speak", "text": "", "format": "pcm", "media_type": "audio/pcm", "expected": Amount()}
    return Order(**{**ordinary, "source": source, **fields})


def claimed(item: Item) -> Work:
    work = claim(item.pk)
    assert work is not None
    return work


def left() -> list[str]:
    return list(Blob.objects.values_list("pk", flat=True))


def test_every_relation_to_a_blob_counts_as_naming_it():
    """Also one without a name for the way back: a room above may have any."""
    candidates: Any = get_candidate_relations_to_delete(cast("Any", Blob._meta))

    assert {name for name, _ in _naming()} == {relation.field.name for relation in candidates}


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_what_an_open_item_works_on_stays(alice, state):
    source = make_source(alice)
    make_item(alice, state=state, source=source)

    purge()
    call_command("storage_check", "--fix")

    assert left() == [source.pk]
    assert not remove(source.pk)


def test_a_completed_item_lets_its_source_go_at_once(alice):
    item = make_item(alice, source=make_source(alice))

    with claimed(item) as work:
        work.write(b"made of it")

    assert Item.objects.get().source is None
    assert left() == [Item.objects.get().output.blob_id]


def test_a_source_that_is_an_output_too_stays(alice):
    output = make_output(alice, b"same")
    item = make_item(alice, source=output.blob)

    with claimed(item) as work:
        work.write(b"made of it")

    assert Item.objects.get(pk=item.pk).source is None
    assert default_storage.exists(output.blob_id)


def test_a_failed_item_keeps_its_source_for_a_day(alice):
    source = make_source(alice)
    item = make_item(alice, source=source)
    with claimed(item):
        raise UnsupportedText

    purge()
    assert left() == [source.pk]

    Item.objects.update(finished_at=Now() - timedelta(days=1, minutes=1))
    purge()
    assert left() == []
    assert not default_storage.exists(source.pk)


def test_what_a_cancelled_item_was_to_work_on_is_purged(alice):
    item = make_item(alice, source=make_source(alice))
    cancel(job=item.job)

    purge()

    assert left() == []


def test_a_deleted_job_leaves_no_source(alice):
    item = make_item(alice, source=make_source(alice))
    item.job.delete()

    purge()

    assert left() == []


def test_two_items_of_one_source_are_told_apart_by_it(alice):
    one, other = make_source(alice, b"one"), make_source(alice, b"other")

    assert len({order(source).reuse_key for source in (one, other, None)}) == 3
    assert order(one).reuse_key == order(one).reuse_key


def test_an_items_source_is_the_orders(alice):
    make_worker()
    source = make_source(alice)

    job = submit(owner=alice, api_key=None, kind="conversion", orders=[order(source)])

    assert job.items.get().source == source


def test_what_is_to_be_worked_on_must_fit_into_the_owners_room(alice):
    make_worker()
    plan = Plan.objects.create(name="small", is_default=True, stored_bytes=10)
    fits = make_source(alice, b"x" * 10)
    submit(owner=alice, api_key=None, kind="conversion", orders=[order(fits)])

    beyond = make_source(alice, b"y")
    with pytest.raises(StorageFull):
        submit(owner=alice, api_key=None, kind="conversion", orders=[order(beyond)])

    plan.stored_bytes = 11
    plan.save()
    submit(owner=alice, api_key=None, kind="conversion", orders=[order(beyond)])


def test_a_source_is_read_as_it_was_kept(alice):
    source = make_source(alice, b"as it was")

    with fetched(source) as file:
        assert file.read() == b"as it was"


def test_a_source_whose_file_was_replaced_is_not_read(alice):
    source = make_source(alice, b"as it was")
    Path(default_storage.path(source.pk)).write_bytes(b"as it i s")

    with pytest.raises(StorageUnavailable), fetched(source):
        pass


def test_a_source_whose_file_is_gone_is_not_read(alice):
    source = make_source(alice)
    default_storage.delete(source.pk)

    with pytest.raises(StorageUnavailable), fetched(source):
        pass
