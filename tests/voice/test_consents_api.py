"""`/v1/audio/voice_consents`: a speaker's word, as the `openai` packages send it."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from accounts.models import Scope
from accounts.runtime import runtime
from accounts.tokens import issue_key
from jobs.models import Blob, Item, Job, Output
from tests.factories import make_consent, make_voice
from tests.voice.recordings import recording
from voice.models import Consent, ConsentState, Voice
from voice.phrases import PHRASES

pytestmark = pytest.mark.shapes("embedded", "deployed")

ADDRESS = "/v1/audio/voice_consents"


def send(client: APIClient, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
    form = {"name": "Anna", "language": "en-US", "recording": recording(), **fields}
    return client.post(ADDRESS, {name: value for name, value in form.items() if value is not None}, format="multipart", headers=headers)


def refused(response: Any, status: int = 400) -> tuple[str, str | None]:
    assert response.status_code == status, response.content
    error = response.json()["error"]
    return error["code"], error["param"]


@pytest.mark.django_db(transaction=True)
def test_a_recording_becomes_a_consent(alice, client_of, worker):
    client = client_of(alice)

    response = send(client)

    assert response.status_code == 201, response.content
    told = response.json()
    consent = Consent.objects.get()
    assert told == {
        "id": consent.pk,
        "object": "audio.voice_consent",
        "name": "Anna",
        "language": "en-US",
        "state": "approved",
        "reason": "",
        "phrase": PHRASES["en"],
        "transcript": "",
        "seconds": consent.seconds,
        "created_at": int(consent.created_at.timestamp()),
    }
    assert 3 < consent.seconds < 20
    assert (consent.owner, consent.recording) == (alice, Blob.objects.get())
    assert client.get(f"{ADDRESS}/{consent.pk}").json() == told
    assert client.get(ADDRESS).json()["data"] == [told]
    assert not Job.objects.exists()
    assert not Output.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_in_maintenance_none_is_taken(alice, client_of, monkeypatch):
    monkeypatch.setitem(runtime._changed, "MAINTENANCE", True)

    response = send(client_of(alice))

    assert refused(response, 503) == ("maintenance", None)
    assert response["Retry-After"]
    assert not Blob.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_where_staff_review_it_waits_for_them(alice, client_of, worker, settings):
    settings.CONSENT_REVIEW = "staff"

    assert send(client_of(alice)).json()["state"] == "pending"


@pytest.mark.django_db(transaction=True)
def test_a_key_makes_the_same_request_one_consent(alice, client_of, worker):
    client = client_of(alice)

    first = send(client, headers={"Idempotency-Key": "k"})
    again = send(client, headers={"Idempotency-Key": "k"})
    other = send(client, headers={"Idempotency-Key": "k"}, name="Berta")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["idempotent-replayed"] == "true"
    assert refused(other, 409) == ("idempotency_mismatch", None)
    assert Consent.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "expected", "status"),
    [
        ({"name": None}, ("missing_required_parameter", "name"), 400),
        ({"name": "  "}, ("too_short", "name"), 400),
        ({"name": "a" * 101}, ("too_long", "name"), 400),
        ({"name": "a\u202eb"}, ("invalid_character", "name"), 400),
        ({"name": "a\nb"}, ("invalid_character", "name"), 400),
        ({"language": None}, ("missing_required_parameter", "language"), 400),
        ({"language": "English!"}, ("invalid_value", "language"), 400),
        ({"language": "xx"}, ("unsupported_language", "language"), 400),
        ({"recording": None}, ("missing_required_parameter", "recording"), 400),
        ({"recording": "text"}, ("missing_required_parameter", "recording"), 400),
        ({"recording": recording(form="pcm")}, ("audio_format_unsupported", "recording"), 415),
        ({"colour": "red"}, ("unknown_field", "colour"), 400),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_what_is_wrong_is_named_before_anything_is_done(alice, client_of, change, expected, status):
    assert refused(send(client_of(alice), **change), status) == expected
    assert not Consent.objects.exists()
    assert not Blob.objects.exists()
    assert not Item.objects.exists()


def test_the_phrases_are_told_and_the_operator_adds_to_them(alice, client_of, settings):
    settings.CONSENT_PHRASES = {"IT": "Sono il proprietario di questa voce."}

    told = client_of(alice).get(f"{ADDRESS}/phrases").json()["data"]

    assert [phrase["language"] for phrase in told] == ["de", "en", "es", "fr", "it"]
    assert told[-1] == {"object": "audio.voice_consent.phrase", "language": "it", "text": "Sono il proprietario di questa voce."}


def test_they_are_listed_newest_first_by_pages(alice, bob, client_of):
    mine = [make_consent(alice).pk for _ in range(3)]
    make_consent(bob)

    first = client_of(alice).get(f"{ADDRESS}?limit=2").json()
    second = client_of(alice).get(f"{ADDRESS}?limit=2&after={first['last_id']}").json()

    assert [row["id"] for row in first["data"] + second["data"]] == sorted(mine, reverse=True)
    assert (first["has_more"], second["has_more"]) == (True, False)


def test_one_is_called_something_else(alice, client_of):
    consent = make_consent(alice)

    response = client_of(alice).post(f"{ADDRESS}/{consent.pk}", {"name": " Berta "}, format="json")

    assert (response.status_code, response.json()["name"]) == (200, "Berta")
    assert Consent.objects.get().name == "Berta"


@pytest.mark.django_db(transaction=True)
def test_deleting_one_ends_its_voices_and_its_recording(alice, client_of, worker):
    client = client_of(alice)
    consent = Consent.objects.get(pk=send(client).json()["id"])
    voice = make_voice(owner=alice, consent=consent)
    file = str(consent.recording_id)

    response = client.delete(f"{ADDRESS}/{consent.pk}")

    assert response.json() == {"id": consent.pk, "object": "audio.voice_consent", "deleted": True}
    assert client.get(ADDRESS).json()["data"] == []
    assert refused(client.get(f"{ADDRESS}/{consent.pk}"), 404) == ("consent_not_found", None)
    assert refused(client.delete(f"{ADDRESS}/{consent.pk}"), 404) == ("consent_not_found", None)
    assert Voice.objects.of(alice).get() == voice
    assert client.get(f"/v1/audio/voices/{voice.pk}").json()["state"] == "revoked"
    assert not default_storage.exists(file)
    consent.refresh_from_db()
    assert (consent.state, consent.recording) == (ConsentState.REVOKED, None)


@pytest.mark.django_db(transaction=True)
def test_revoking_one_keeps_its_recording(alice, client_of, worker):
    client = client_of(alice)
    pk = send(client).json()["id"]

    response = client.post(f"{ADDRESS}/{pk}/revoke")
    again = client.post(f"{ADDRESS}/{pk}/revoke")

    assert (response.json()["state"], response.json()["reason"]) == ("revoked", "Its owner revoked it.")
    assert again.json() == response.json()
    assert default_storage.exists(str(Consent.objects.get().recording_id))


@pytest.mark.parametrize(("method", "tail"), [("get", ""), ("post", ""), ("delete", ""), ("post", "/revoke")])
def test_it_hides_the_consents_of_other_owners(alice, bob, client_of, method, tail):
    consent = make_consent(alice)
    call = getattr(client_of(bob), method)

    foreign = call(f"{ADDRESS}/{consent.pk}{tail}", {"name": "x"}, format="json")
    absent = call(f"{ADDRESS}/cons_00000000000000000000000000{tail}", {"name": "x"}, format="json")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()
    consent.refresh_from_db()
    assert (consent.name, consent.state) == ("Anna", ConsentState.APPROVED)


@pytest.mark.parametrize(
    ("method", "tail"),
    [("get", ""), ("post", ""), ("get", "/phrases"), ("get", "/x"), ("post", "/x"), ("delete", "/x"), ("post", "/x/revoke")],
)
def test_a_key_without_the_scope_may_not(alice, client, method, tail):
    _, token = issue_key(owner=alice, name="speech only", scopes=[Scope.SPEECH])

    response = getattr(client, method)(f"{ADDRESS}{tail}", headers={"Authorization": f"Bearer {token}"})

    assert refused(response, 403) == ("insufficient_scope", None)
