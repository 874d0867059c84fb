"""Voices on the desk: heard, seen, and disabled for a reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Deed, Quota, Usage, User
from accounts.roles import Role
from jobs.models import Item, Output
from tests.accounts.test_roles import staff_as
from tests.factories import make_item, make_sample, make_voice
from tests.voice.recordings import spoken
from tests.waiting import wait_until
from voice.actors import read_waveform
from voice.models import Sample, Voice

__all__ = ["staff_as"]


def do(desk: Client, row: Any, button: str, **fields: str) -> str:
    address = reverse(f"admin:voice_{row._meta.model_name}_do", args=[row.pk, button])
    return desk.post(address, fields, follow=True).content.decode()


def read(response: Any) -> bytes:
    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return asyncio.run(collect())


def test_a_voice_is_disabled_from_its_page_for_a_reason_that_its_owner_reads(desk, alice, client_of):
    voice = make_voice(owner=alice)

    do(desk, voice, "disable_one", reason="The speaker asked us to wait.")

    told = client_of(alice).get(f"/v1/audio/voices/{voice.pk}").json()
    assert (told["state"], told["reason"]) == ("disabled", "The speaker asked us to wait.")
    refused = client_of(alice).post("/v1/audio/speech", {"model": "tts-1", "voice": voice.pk, "input": "hello"}, format="json")
    assert "The speaker asked us to wait." in refused.json()["error"]["message"]
    do(desk, voice, "enable_one")
    voice.refresh_from_db()
    assert (voice.enabled, voice.disabled_reason) == (True, "")
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["disabled: The speaker asked us to wait.", "enabled"]


def test_without_a_reason_nothing_is_disabled_from_the_page(desk, alice):
    voice = make_voice(owner=alice)

    page = do(desk, voice, "disable_one", reason=" ")

    assert "the owner is told" in page
    assert Voice.objects.get().enabled


def test_nothing_is_done_by_following_a_link(desk, alice):
    voice = make_voice(owner=alice)

    desk.get(reverse("admin:voice_voice_do", args=[voice.pk, "disable_one"]), {"reason": "x"})

    assert Voice.objects.get().enabled


@pytest.mark.parametrize(("button", "status"), [("disable_one", 403), ("delete_model", 404), ("nothing", 404)])
def test_only_what_stands_there_is_done_and_only_by_whoever_may(alice, button, status):
    voice = make_voice(owner=alice)
    client = Client()
    client.force_login(User.objects.create_user("viewer", is_staff=True))

    assert client.post(reverse("admin:voice_voice_do", args=[voice.pk, button]), {"reason": "x"}).status_code == status


@pytest.mark.django_db(transaction=True)
def test_a_worker_reads_the_waveform_of_a_sample_that_has_none(desk, alice):
    sample = make_sample(make_voice(owner=alice), spoken())
    page = desk.get(reverse("admin:voice_voice_change", args=[sample.voice_id])).content.decode()
    assert "a worker is about to look at it" in page

    read_waveform.fn("sample", sample.pk)

    found = Sample.objects.values_list("waveform", flat=True).get()
    page = desk.get(reverse("admin:voice_voice_change", args=[sample.voice_id])).content.decode()
    assert found is not None
    assert f"level {found['level_db']:g} dB, peak {found['peak_db']:g} dB" in page
    assert 'role="img"' in page


def test_what_was_found_of_a_sample_can_be_read(desk, alice):
    sample = make_sample(make_voice(owner=alice), findings={"speech_db": -20.5, "clipped_share": 0.001, "pitches": [110, 220]})

    page = desk.get(reverse("admin:voice_voice_change", args=[sample.voice_id])).content.decode()

    assert "speech: -20.5 dB" in page
    assert "near the peak: 0.10% of the samples" in page
    assert "pitch: 110 Hz, 220 Hz" in page


@pytest.mark.usefixtures("worker")
def test_staff_hear_a_sentence_on_their_own_account(desk, staff):
    tone = Voice.objects.get(name="tone")

    asked = desk.post(reverse("admin:voice_voice_preview", args=[tone.pk]), {"text": "ab"})
    sound = read(desk.get(asked.json()["url"]))

    assert asked.status_code == 201
    assert len(sound) > 100
    wait_until(lambda: Usage.objects.filter(owner=staff).exists())
    assert Quota.objects.get().owner == staff
    assert not Output.objects.exists()


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 201)])
def test_what_was_typed_is_said_for_who_may_change_voices_and_written_down(staff_as, client, role, status):
    client.force_login(staff_as(role))
    tone = Voice.objects.get(name="tone")

    asked = client.post(reverse("admin:voice_voice_preview", args=[tone.pk]), {"text": "I agree."})
    page = client.get(reverse("admin:voice_voice_change", args=[tone.pk])).content.decode()

    assert asked.status_code == status
    assert ("Hear it" in page) == (status == 201)
    assert Item.objects.exists() == (status == 201)
    assert [(entry.row_id, "I agree." in entry.detail) for entry in AuditEntry.objects.filter(deed=Deed.CHANGED)] == (
        [(tone.pk, True)] if status == 201 else []
    )


@pytest.mark.usefixtures("worker")
def test_the_player_of_a_list_speaks_once_for_all_who_listen(desk):
    tone = Voice.objects.get(name="tone")
    address = reverse("admin:voice_voice_preview", args=[tone.pk])

    first = read(desk.get(address))
    wait_until(Output.objects.exists)
    second = read(desk.get(address))

    assert first == second
    assert sorted(Item.objects.values_list("attempt", flat=True)) == [0, 1]


@pytest.mark.usefixtures("catalogue")
def test_a_voice_of_somebodys_is_not_spoken_by_a_player(desk, alice):
    voice = make_voice(owner=alice)

    assert desk.get(reverse("admin:voice_voice_preview", args=[voice.pk])).status_code == 404


@pytest.mark.usefixtures("catalogue")
def test_what_can_not_be_said_is_refused_as_everywhere(desk):
    tone = Voice.objects.get(name="tone")

    refused = desk.post(reverse("admin:voice_voice_preview", args=[tone.pk]), {"text": " "})

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "nothing_to_speak")


def test_the_preview_of_another_is_not_heard(desk, alice):
    item = make_item(alice)

    assert desk.get(reverse("admin:voice_preview_audio", args=[item.pk])).status_code == 404
