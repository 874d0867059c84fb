"""Outputs on the desk: heard, downloaded, held and deleted for good only when asked twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from jobs.models import Output
from tests.factories import make_output


def page_of(desk: Client, output: Output) -> str:
    return desk.get(reverse("admin:jobs_output_change", args=[output.pk])).content.decode()


def listed(desk: Client, **query: str) -> list[str]:
    return [row.pk for row in desk.get(reverse("admin:jobs_output_changelist"), query).context["cl"].result_list]


def test_the_page_of_an_output_tells_what_it_is_and_when_it_goes(desk, alice):
    output = make_output(alice, expires_at=datetime(2031, 5, 1, 12, tzinfo=UTC))

    page = page_of(desk, output)

    for told in ("hello", "tone", output.sha256, "2031-05-01 12:00 UTC", f'download="{output.pk}.pcm"'):
        assert told in page


def test_what_no_browser_plays_is_downloaded(desk, alice):
    assert "pcm: to be downloaded" in page_of(desk, make_output(alice))


def test_they_are_found_by_owner_format_and_hold(desk, alice, bob):
    hers, held = make_output(alice), make_output(bob, b"held", legal_hold=True, format="mp3")

    assert listed(desk, owner__id__exact=str(alice.pk)) == [hers.pk]
    assert listed(desk, format="mp3") == [held.pk]
    assert listed(desk, legal_hold__exact="1") == [held.pk]


def test_one_is_held_and_released_from_its_page(desk, alice):
    output = make_output(alice)

    def do(button: str, **fields: str) -> bool:
        desk.post(reverse("admin:jobs_output_do", args=[output.pk, button]), fields)
        return Output.objects.get().legal_hold

    assert do("hold_one")
    assert do("release_one")
    assert not do("release_one", confirmed="yes")
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["put under legal hold", "released from legal hold"]


@pytest.mark.django_db(transaction=True)
def test_many_are_deleted_only_when_that_is_confirmed(desk, alice):
    outputs = [make_output(alice, data) for data in (b"one", b"two")]
    sent = {"action": "forget", "_selected_action": [output.pk for output in outputs]}
    address = reverse("admin:jobs_output_changelist")

    asked = desk.post(address, sent).content.decode()
    assert Output.objects.count() == 2
    assert all(output.pk in asked for output in outputs)
    desk.post(address, {**sent, "confirmed": "yes"})

    assert not Output.objects.exists()
