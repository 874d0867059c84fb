"""Recordings that are to be converted or transcribed: what is set aside for them."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from accounts.models import Plan, Quota, Usage, User
from jobs import services, storage
from jobs.models import Item, State
from jobs.work import Work, claim
from tests.factories import make_worker
from tests.voice.audio.files import encoded
from tests.voice.audio.sounds import sine
from voice.audio.decode import PADDING
from voice.audio.pcm import RATE
from voice.conversions import CONVERSION
from voice.sources import decoded, expected
from voice.transcriptions import TRANSCRIPTION
from voice.uploads import Purpose

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]

SECONDS = 20
RECORDING = encoded(sine(SECONDS * 1000, peak=40), "flac")
# so quiet that it has a fraction of the bytes of speech


def submitted(owner: User, kind: str = CONVERSION) -> Item:
    make_worker()
    source = storage.keep(io.BytesIO(RECORDING), owner_id=owner.pk, form="upload")
    order = services.Order(
        actor="convert",
        text="",
        source=source,
        format="wav",
        media_type="audio/wav",
        expected=expected(source, "flac"),
        options={"container": "flac"},
    )
    return services.submit(owner=owner, api_key=None, kind=kind, orders=[order]).items.get()


def worked(item: Item) -> Work:
    work = claim(item.pk)
    assert work is not None
    return work


@pytest.mark.parametrize("kind", [CONVERSION, TRANSCRIPTION])
def test_a_recording_that_is_longer_than_its_bytes_let_expect_is_set_aside_for_once_that_is_known(alice, kind):
    item = submitted(alice, kind)
    assert item.milliseconds < SECONDS * 1000 / 2

    with worked(item) as work:
        pcm = decoded(work, Purpose.SOURCE)
        reserved = getattr(Quota.objects.get(), f"{kind}_ms_reserved")
        work.write(b"x", seconds=pcm.size / RATE)

    assert reserved == (SECONDS - PADDING) * 1000
    quota = Quota.objects.get()
    assert (getattr(quota, f"{kind}_ms"), getattr(quota, f"{kind}_ms_reserved")) == (SECONDS * 1000, 0)


def test_beyond_the_quota_it_is_not_converted_and_costs_nothing(alice):
    Plan.objects.create(name="small", is_default=True, conversion_seconds=SECONDS // 2)
    item = submitted(alice)

    with worked(item) as work:
        decoded(work, Purpose.SOURCE)

    item.refresh_from_db()
    assert (item.state, item.error_code) == (State.FAILED, "insufficient_quota")
    quota = Quota.objects.get()
    assert (quota.conversion_ms, quota.conversion_ms_reserved) == (0, 0)
    assert not Usage.objects.exists()


def test_who_read_the_item_before_gives_all_of_it_back(alice):
    item = submitted(alice)

    with worked(item) as work:
        decoded(work, Purpose.SOURCE)
        assert work.item.requeue(delay=timedelta())
        services.stop(item=item)

    assert Item.objects.get().state == State.CANCELLED
    assert Quota.objects.get().conversion_ms_reserved == 0
