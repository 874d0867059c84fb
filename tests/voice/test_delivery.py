from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponseBase

from jobs.models import Item, State
from tests.factories import make_item
from tests.waiting import TIMEOUT_S
from voice.delivery import Accepted, delivered


@pytest.mark.django_db(transaction=True)
async def test_what_was_submitted_for_a_client_that_had_already_left_is_stopped(alice):
    leaving = threading.Event()
    entered = threading.Event()

    def view(_request: HttpRequest) -> HttpResponseBase:
        entered.set()
        assert leaving.wait(TIMEOUT_S)
        return Accepted(make_item(alice), sse=False)

    answer = asyncio.ensure_future(delivered(view)(HttpRequest()))
    await asyncio.to_thread(entered.wait, TIMEOUT_S)
    answer.cancel()
    await asyncio.sleep(0)
    leaving.set()
    with pytest.raises(asyncio.CancelledError):
        await answer

    assert (await sync_to_async(Item.objects.get)()).state == State.CANCELLED
