"""The bytes that an owner may have stored: what is there, and what is under way by what it is expected to come to."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import Override, User
from accounts.quotas import Amount
from jobs import services
from jobs.errors import StorageFull
from jobs.models import Item, Job, State
from jobs.services import Order, cancel, retry, submit
from tests.factories import keep_output, make_output, make_worker, tone_options
from voice.audio.formats import FORMATS
from voice.catalogue import synchronise

pytestmark = pytest.mark.shapes("embedded", "deployed")

ROOM = 1000


@pytest.fixture
def limited(alice: User) -> User:
    make_worker()
    Override.objects.create(owner=alice, stored_bytes=ROOM)
    return alice


def order(size: int, text: str = "hello", **fields) -> Order:
    ordinary = {"actor": "speak_in_batch", "format": "pcm", "media_type": "audio/pcm", "expected": Amount(1, 1), "options": tone_options()}
    return Order(text=text, bytes=size, **{**ordinary, **fields})


def ask(owner: User, *orders: Order) -> Job:
    return submit(owner=owner, api_key=None, kind="speech", orders=orders)


def test_what_is_under_way_counts_as_what_it_is_expected_to_come_to(transactional_db, limited):
    ask(limited, order(600, "a"))

    with pytest.raises(StorageFull, match="about 500 bytes, and 400 of 1000 are left"):
        ask(limited, order(500, "b"))

    assert Job.objects.count() == 1
    ask(limited, order(400, "b"))


def test_what_is_there_counts_to_the_byte(transactional_db, limited):
    make_output(limited, b"x" * 700)

    with pytest.raises(StorageFull):
        ask(limited, order(301))
    ask(limited, order(300))


def test_what_was_made_counts_as_what_it_came_to(transactional_db, limited):
    job = ask(limited, order(400, "a"), order(400, "b"))
    item = job.items.first()
    assert item is not None
    item.claim(worker="w", lease=services.RETRY_WINDOW)
    keep_output(item, b"x" * 10)
    item.end(State.COMPLETED)

    # 400 are to come, and 10 are there
    with pytest.raises(StorageFull):
        ask(limited, order(591, "c"))
    ask(limited, order(590, "c"))


def test_what_ended_without_an_output_takes_no_room(transactional_db, limited):
    job = ask(limited, order(500, "a"), order(500, "b"))
    cancel(job=job)

    ask(limited, order(1000, "c"))


def test_a_retry_needs_room_again(transactional_db, limited):
    job = ask(limited, order(300, "a"), order(300, "b"))
    for item in job.items.all():
        item.claim(worker="w", lease=services.RETRY_WINDOW)
        assert item.end(State.FAILED, StorageFull())
    other = ask(limited, order(500, "c"))

    with pytest.raises(StorageFull):
        retry(job=job)
    cancel(job=other)
    assert retry(job=job) == 2

    with pytest.raises(StorageFull):
        ask(limited, order(401, "d"))
    ask(limited, order(400, "d"))


def test_what_is_not_stored_needs_none(transactional_db, limited):
    ask(limited, order(5000, store=False))


def test_the_same_text_is_stored_once(transactional_db, limited):
    assert ask(limited, *[order(600)] * 3).expected_bytes == 600


def test_what_is_stored_already_needs_none(transactional_db, limited):
    job = ask(limited, order(600))
    item = job.items.get()
    item.claim(worker="w", lease=services.RETRY_WINDOW)
    keep_output(item, b"x" * 950)
    item.end(State.COMPLETED)

    assert ask(limited, order(600)).expected_bytes == 0
    with pytest.raises(StorageFull):
        ask(limited, order(600, fresh=True))


def test_anothers_outputs_take_none_of_it(transactional_db, limited, bob):
    make_output(bob, b"x" * ROOM)
    ask(bob, order(ROOM, "b"))

    ask(limited, order(ROOM))


def test_many_at_once_are_admitted_exactly(transactional_db, limited):
    def one(number: int) -> bool:
        try:
            ask(limited, order(100, str(number)))
        except StorageFull:
            return False
        else:
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(30))) == ROOM // 100


def test_a_brief_that_would_not_fit_is_refused_whole_before_anything_is_made(transactional_db, limited, client_of):
    synchronise()
    brief = {"voice": "slt", "model": "tts-1", "response_format": "mp3", "items": [{"input": "So long a line."}]}

    response = client_of(limited).post("/v1/jobs", json.dumps(brief), content_type="application/json")

    assert (response.status_code, response.json()["error"]["code"]) == (429, "insufficient_quota")
    assert response["x-should-retry"] == "false"
    assert not Item.objects.exists()


def test_a_format_says_what_a_second_of_it_takes():
    assert {name: form.bytes_a_second for name, form in FORMATS.items()} == {
        "mp3": 8000,
        "opus": 4000,
        "aac": 8000,
        "flac": 48000,
        "wav": 48000,
        "pcm": 48000,
    }
