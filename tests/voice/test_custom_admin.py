"""Consents and voices of one's own, as staff see and judge them."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.storage import keep
from tests.factories import make_consent, make_sample, make_voice
from voice.models import Consent, ConsentState, Sample, Voice


def read(response: Any) -> bytes:
    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return asyncio.run(collect())


def act(desk: Client, model: str, action: str, *rows: Any, **fields: str) -> str:
    sent = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    response = desk.post(reverse(f"admin:voice_{model}_changelist"), sent, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def history(row: Any) -> list[str]:
    return [entry.change_message for entry in LogEntry.objects.filter(object_id=row.pk).order_by("pk")]


def test_a_consent_is_approved_and_by_whom_is_kept(desk, alice, staff):
    consent = make_consent(alice, state=ConsentState.PENDING)

    act(desk, "consent", "approve", consent)
    again = act(desk, "consent", "approve", consent)

    consent.refresh_from_db()
    assert (consent.state, consent.reviewed_by) == (ConsentState.APPROVED, staff)
    assert consent.reviewed_at is not None
    assert history(consent) == ["approved"]
    assert "nothing was done" in again


def test_a_consent_is_refused_for_a_reason_that_its_owner_reads(desk, alice, client_of):
    consent = make_consent(alice, state=ConsentState.PENDING)

    without = act(desk, "consent", "refuse", consent)
    assert "Say why" in without
    assert Consent.objects.get().state == ConsentState.PENDING
    act(desk, "consent", "refuse", consent, reason="Two people speak.")

    told = client_of(alice).get(f"/v1/audio/voice_consents/{consent.pk}").json()
    assert (told["state"], told["reason"]) == ("refused", "Two people speak.")
    assert history(consent) == ["refused: Two people speak."]


def test_one_that_was_refused_may_be_approved_after_all(desk, alice):
    consent = make_consent(alice, state=ConsentState.REFUSED, reason="Too quiet.")

    act(desk, "consent", "approve", consent)

    consent.refresh_from_db()
    assert (consent.state, consent.reason) == (ConsentState.APPROVED, "")


@pytest.mark.django_db(transaction=True)
def test_a_consent_is_revoked_with_its_voices_and_stays_so(desk, alice):
    voice = make_voice(owner=alice)
    sample = make_sample(voice)

    act(desk, "consent", "revoke", voice.consent, reason="The speaker wrote to us.")
    act(desk, "consent", "approve", voice.consent)
    act(desk, "consent", "refuse", voice.consent, reason="x")

    consent = Consent.objects.get()
    assert (consent.state, consent.reason) == (ConsentState.REVOKED, "The speaker wrote to us.")
    assert voice not in Voice.objects.usable()
    assert not default_storage.exists(sample.blob_id)
    assert history(consent) == ["revoked: The speaker wrote to us."]


def test_what_was_approved_is_not_refused_but_revoked(desk, alice):
    consent = make_consent(alice)

    page = act(desk, "consent", "refuse", consent, reason="x")

    assert "nothing was done" in page
    assert Consent.objects.get().state == ConsentState.APPROVED


def test_staff_listen_to_recordings_and_samples(desk, alice):
    consent = make_consent(alice, recording=keep(io.BytesIO(b"RIFFconsent"), owner_id=alice.pk, form="wav"))
    sample = make_sample(make_voice(owner=alice, consent=consent), b"RIFFsample", findings={"clipped": 0.01})

    for row, player, content in (
        (consent, reverse("admin:voice_consent_recording", args=[consent.pk]), b"RIFFconsent"),
        (sample.voice, reverse("admin:voice_sample_audio", args=[sample.pk]), b"RIFFsample"),
    ):
        page = desk.get(reverse(f"admin:voice_{row._meta.model_name}_change", args=[row.pk])).content.decode()
        assert f'src="{player}"' in page
        played = desk.get(player)
        assert (read(played), played["Content-Type"]) == (content, "audio/wav")
    assert "clipped: 0.01" in page


def test_a_recording_that_was_deleted_is_not_found(desk, alice):
    consent = make_consent(alice)

    assert desk.get(reverse("admin:voice_consent_recording", args=[consent.pk])).status_code == 404


@pytest.mark.parametrize("who", ["nobody", "user", "staff without the right"])
def test_nobody_else_listens(alice, who):
    consent = make_consent(alice, recording=keep(io.BytesIO(b"RIFF"), owner_id=alice.pk, form="wav"))
    sample = make_sample(make_voice(owner=alice, consent=consent))
    client = Client()
    if who != "nobody":
        client.force_login(alice if who == "user" else User.objects.create_user("viewer", is_staff=True))

    for address in (
        reverse("admin:voice_consent_recording", args=[consent.pk]),
        reverse("admin:voice_sample_audio", args=[sample.pk]),
    ):
        assert client.get(address).status_code == (403 if who == "staff without the right" else 302)


def test_disabling_a_voice_is_written_down(desk, alice):
    voice = make_voice(owner=alice)

    act(desk, "voice", "disable", voice)
    act(desk, "voice", "disable", voice)
    act(desk, "voice", "enable", voice)

    assert Voice.objects.get().enabled
    assert history(voice) == ["disabled", "enabled"]


@pytest.mark.django_db(transaction=True)
def test_deleting_a_voice_deletes_its_samples(desk, alice):
    first, second = make_sample(make_voice(owner=alice)), make_sample(make_voice(owner=alice, name="berta"), b"other")

    desk.post(reverse("admin:voice_voice_delete", args=[first.voice_id]), {"post": "yes"})
    act(desk, "voice", "delete_selected", second.voice, post="yes")

    assert not Voice.objects.exists()
    assert not Sample.objects.exists()
    assert not default_storage.exists(first.blob_id)
    assert not default_storage.exists(second.blob_id)
