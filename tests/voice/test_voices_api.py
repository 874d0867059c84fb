"""`/v1/audio/voices`: voices of one's own, as the `openai` packages make them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Plan, Scope, User
from accounts.tokens import issue_key
from jobs.models import Blob, Item, Output
from tests.factories import make_consent, make_sample, make_voice
from tests.voice.recordings import recording
from tests.waiting import wait_until
from voice import conditioning
from voice.custom_voices import MOST_SAMPLES
from voice.models import Consent, ConsentState, Model, Sample, Voice, VoiceAlias

pytestmark = pytest.mark.shapes("embedded", "deployed")

ADDRESS = "/v1/audio/voices"
TEXTS = (
    "The weather is very nice today, is it not? We will meet again next summer, when the children play in the garden.",
    "Please open the window in the kitchen now. My brother works in a large hospital, and he is reading a book about history.",
)

waits = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cloning(db: None) -> Model:
    """A model that is said to speak like a sample; the engine beneath it is a stock one."""
    return Model.objects.create(name="clone", engine="tone", verbatim=True, clones=True)


@pytest.fixture
def send(client_of: Callable[[User], APIClient]) -> Callable[..., Any]:
    """A voice asked for, with whatever is not said as it should be."""

    def post(owner: User, *, headers: dict[str, str] | None = None, **fields: Any) -> Any:
        form = {"name": "anna", "audio_sample": recording(TEXTS[0]), **fields}
        if "consent" not in form:
            form["consent"] = make_consent(owner).pk
        sent = {name: value for name, value in form.items() if value is not None}
        return client_of(owner).post(ADDRESS, sent, format="multipart", headers=headers)

    return post


def refused(response: Any, status: int = 400) -> tuple[str, str | None]:
    assert response.status_code == status, response.content
    error = response.json()["error"]
    return error["code"], error["param"]


# ── One is made ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@waits
def test_a_consent_and_a_sample_become_a_voice(alice, client_of, send, worker, cloning):
    consent = make_consent(alice, language="en-GB")

    response = send(alice, consent=consent.pk)

    assert response.status_code == 201, response.content
    told, voice = response.json(), Voice.objects.of(alice).get()
    assert told == {
        "id": voice.pk,
        "object": "audio.voice",
        "name": "anna",
        "type": "audio_sample",
        "state": "ready",
        "reason": "",
        "model": "clone",
        "languages": ["en-gb", "en"],
        "gender": "",
        "description": "",
        "consent": consent.pk,
        "version": 1,
        "created_at": int(voice.created_at.timestamp()),
    }
    sample = Sample.objects.get()
    assert (sample.voice, sample.blob, sample.version) == (voice, Blob.objects.get(), 1)
    assert sample.findings
    assert client_of(alice).get(f"{ADDRESS}/{voice.pk}").json() == told
    listed = client_of(alice).get(ADDRESS).json()
    assert told in listed["data"]
    assert {"id": voice.pk, "name": "anna"} in listed["voices"]


@waits
def test_it_speaks_what_the_models_own_voices_speak_the_speakers_language_first(alice, send, worker, cloning):
    make_voice(name="stock", model="clone", languages=["en", "de", "fr"])

    response = send(alice, consent=make_consent(alice, language="de-AT").pk)

    assert response.json()["languages"] == ["de", "en", "fr"]


@waits
def test_it_is_spoken_in_by_its_id_as_an_object_and_by_its_name(alice, client_of, send, worker, cloning):
    voice = send(alice).json()["id"]
    client = client_of(alice)

    for named in (voice, {"id": voice}, "anna"):
        response = client.post("/v1/jobs", {"voice": named, "items": [{"input": "Hello."}]}, format="json")
        assert response.status_code == 202, response.content

    item = Item.objects.filter(job__listed=True).latest("pk")
    assert (item.voice_id, item.options["voice_version"], item.options["consent_id"]) == (voice, 1, Consent.objects.get().pk)


@waits
def test_a_key_makes_the_same_request_one_voice(alice, send, worker, cloning):
    consent = make_consent(alice).pk

    first = send(alice, consent=consent, headers={"Idempotency-Key": "k"})
    again = send(alice, consent=consent, headers={"Idempotency-Key": "k"})

    assert (first.status_code, again.status_code, again["idempotent-replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert Voice.objects.of(alice).count() == 1


@waits
def test_of_many_at_once_exactly_as_many_are_made_as_the_plan_allows(alice, send, worker, cloning):
    Plan.objects.create(name="small", is_default=True, custom_voices=2)
    consent = make_consent(alice).pk
    recording(TEXTS[0])

    def attempt(number: int) -> tuple[int, str]:
        try:
            response = send(alice, name=f"anna {number}", consent=consent)
            return response.status_code, response.json().get("error", {}).get("code", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(attempt, range(6)))

    assert sorted(answers) == [(201, "")] * 2 + [(429, "insufficient_quota")] * 4
    assert Voice.objects.of(alice).count() == Sample.objects.count() == 2


# ── One is refused ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "expected", "status"),
    [
        ({"name": None}, ("missing_required_parameter", "name"), 400),
        ({"name": "x" * 101}, ("too_long", "name"), 400),
        ({"consent": None}, ("missing_required_parameter", "consent"), 400),
        ({"consent": "cons_00000000000000000000000000"}, ("consent_not_found", "consent"), 404),
        ({"audio_sample": None}, ("missing_required_parameter", "audio_sample"), 400),
        ({"audio_sample": "text"}, ("unknown_field", "audio_sample"), 400),
        ({"type": "song"}, ("invalid_value", "type"), 400),
        ({"type": "prompt", "prompt": "an old sailor", "audio_sample": None, "consent": None}, ("unsupported_voice_type", "type"), 400),
        ({"model": "flute"}, ("model_not_found", "model"), 404),
        ({"model": "flite"}, ("cloning_unavailable", "model"), 400),
        ({"audio_sample": recording(form="pcm")}, ("audio_format_unsupported", "audio_sample"), 415),
    ],
)
@waits
def test_what_is_wrong_is_named_before_anything_is_done(alice, send, cloning, change, expected, status):
    Model.objects.create(name="flite", engine="flite")

    assert refused(send(alice, **change), status) == expected
    assert not Voice.objects.of(alice).exists()
    assert not Blob.objects.exists()
    assert not Item.objects.exists()


def test_a_prompt_may_also_come_as_json(alice, client_of):
    body = {"type": "prompt", "name": "anna", "prompt": "an old sailor", "model": "auto"}

    assert refused(client_of(alice).post(ADDRESS, body, format="json")) == ("unsupported_voice_type", "type")


@waits
def test_without_a_model_that_clones_there_are_none(alice, send):
    assert refused(send(alice)) == ("cloning_unavailable", None)


@pytest.mark.parametrize("state", [ConsentState.PENDING, ConsentState.REFUSED, ConsentState.REVOKED])
@waits
def test_a_consent_that_is_not_approved_makes_no_voice(alice, send, cloning, state):
    consent = make_consent(alice, state=state, reason="Too quiet.")

    assert refused(send(alice, consent=consent.pk), 403) == ("consent_not_approved", "consent")


@waits
def test_the_consent_of_another_owner_is_not_found(alice, bob, send, cloning):
    assert refused(send(alice, consent=make_consent(bob).pk), 404) == ("consent_not_found", "consent")


@pytest.mark.parametrize("name", ["own", "stock", "alias"])
@waits
def test_a_name_is_taken_once(alice, bob, send, cloning, name):
    make_voice(owner=alice, name="own")
    VoiceAlias.objects.create(name="alias", voice=make_voice(name="stock"))
    make_voice(owner=bob, name="anna")

    response = send(alice, name=name)

    assert refused(response, 409) == ("name_taken", "name")
    assert response["x-should-retry"] == "false"


@waits
def test_one_voice_too_many_is_no_matter_of_waiting(alice, send, cloning):
    Plan.objects.create(name="small", is_default=True, custom_voices=1)
    make_voice(owner=alice, name="first")

    response = send(alice)

    assert refused(response, 429) == ("insufficient_quota", None)
    assert response["x-should-retry"] == "false"


@waits
def test_samples_fill_the_room_that_a_plan_gives(alice, send, worker, cloning):
    Plan.objects.create(name="small", is_default=True, stored_bytes=1)
    make_sample(make_voice(owner=alice, name="first"))

    assert refused(send(alice), 429) == ("insufficient_quota", None)


# ── It is changed ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_is_called_something_else(alice, client_of):
    voice = make_voice(owner=alice)
    make_voice(owner=alice, name="berta")
    client = client_of(alice)

    renamed = client.post(f"{ADDRESS}/{voice.pk}", {"name": "Carla"}, format="json")
    same = client.post(f"{ADDRESS}/{voice.pk}", {"name": "Carla"}, format="json")
    taken = client.post(f"{ADDRESS}/{voice.pk}", {"name": "berta"}, format="json")

    assert (renamed.json()["name"], same.status_code) == ("Carla", 200)
    assert refused(taken, 409) == ("name_taken", "name")
    assert Voice.objects.get(pk=voice.pk).name == "Carla"


@waits
def test_another_sample_makes_another_version(alice, client_of, send, worker, cloning):
    voice = send(alice).json()["id"]
    client = client_of(alice)
    kept = conditioning.folder(Voice.objects.get(pk=voice))
    kept.mkdir(parents=True)

    response = client.post(f"{ADDRESS}/{voice}/samples", {"audio_sample": recording(TEXTS[1])}, format="multipart")
    again = client.post(f"{ADDRESS}/{voice}/samples", {"audio_sample": recording(TEXTS[1])}, format="multipart")

    assert response.status_code == 201, response.content
    told = response.json()
    assert (told["object"], told["voice_id"], told["version"]) == ("audio.voice.sample", voice, 2)
    assert refused(again, 409) == ("sample_exists", None)
    assert client.get(f"{ADDRESS}/{voice}").json()["version"] == 2
    listed = client.get(f"{ADDRESS}/{voice}/samples").json()
    assert (listed["object"], [sample["version"] for sample in listed["data"]]) == ("list", [1, 2])
    assert listed["data"][1] == told
    assert not kept.exists()


@pytest.mark.django_db(transaction=True)
def test_a_sample_is_removed_with_its_file_and_the_last_one_stays(alice, client_of):
    voice = make_voice(owner=alice)
    first, second = make_sample(voice, b"first"), make_sample(voice, b"second")
    client = client_of(alice)

    removed = client.delete(f"{ADDRESS}/{voice.pk}/samples/{first.pk}")
    absent = client.delete(f"{ADDRESS}/{voice.pk}/samples/{first.pk}")
    last = client.delete(f"{ADDRESS}/{voice.pk}/samples/{second.pk}")

    assert removed.json() == {"id": first.pk, "object": "audio.voice.sample.deleted", "deleted": True}
    assert refused(absent, 404) == ("sample_not_found", None)
    assert refused(last, 409) == ("last_sample", None)
    assert (default_storage.exists(first.blob_id), default_storage.exists(second.blob_id)) == (False, True)
    assert Voice.objects.get(pk=voice.pk).version == 2


def test_there_is_an_end_to_the_samples_of_a_voice(alice, client_of):
    voice = make_voice(owner=alice)
    for number in range(MOST_SAMPLES):
        make_sample(voice, b"%d" % number)

    response = client_of(alice).post(f"{ADDRESS}/{voice.pk}/samples", {"audio_sample": recording()}, format="multipart")

    assert refused(response, 409) == ("too_many_samples", None)


@waits
def test_deleting_one_removes_its_samples_and_leaves_what_was_made(alice, client_of, worker):
    voice = make_voice(owner=alice, model="tone", languages=["mul"])
    Model.objects.filter(pk="tone").update(engine="tone", verbatim=True)
    sample = make_sample(voice)
    client = client_of(alice)
    job = client.post("/v1/jobs", {"voice": voice.pk, "model": "tone", "items": [{"input": "hello"}]}, format="json").json()["id"]
    wait_until(lambda: Output.objects.filter(job=job).exists())

    response = client.delete(f"{ADDRESS}/{voice.pk}")

    assert response.json() == {"id": voice.pk, "object": "audio.voice.deleted", "deleted": True}
    assert refused(client.delete(f"{ADDRESS}/{voice.pk}"), 404) == ("voice_not_found", None)
    assert not default_storage.exists(sample.blob_id)
    assert default_storage.exists(Output.objects.get().blob_id)
    assert Consent.objects.filter(state=ConsentState.APPROVED).exists()


# ── Whose it is ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("method", "tail"),
    [
        ("get", ""),
        ("post", ""),
        ("delete", ""),
        ("get", "/samples"),
        ("post", "/samples"),
        ("delete", "/samples/samp_00000000000000000000000000"),
    ],
)
def test_it_hides_the_voices_of_other_owners(alice, bob, client_of, method, tail):
    voice = make_voice(owner=alice)
    make_sample(voice)
    sent: dict[str, Any] = {"audio_sample": recording()} if tail == "/samples" and method == "post" else {"name": "x"}
    form = "multipart" if "audio_sample" in sent else "json"

    def ask(pk: str) -> Any:
        return getattr(client_of(bob), method)(f"{ADDRESS}/{pk}{tail}", sent, format=form)

    foreign, absent = ask(voice.pk), ask("voice_00000000000000000000000000")

    assert refused(foreign, 404) == refused(absent, 404) == ("voice_not_found", None)
    assert Voice.objects.get(pk=voice.pk).name == "anna"
    assert Sample.objects.count() == 1


@pytest.mark.parametrize(
    ("method", "tail"),
    [("post", ""), ("post", "/x"), ("delete", "/x"), ("get", "/x/samples"), ("post", "/x/samples"), ("delete", "/x/samples/y")],
)
def test_a_key_without_the_scope_may_not(alice, client, method, tail):
    _, token = issue_key(owner=alice, name="speech only", scopes=[Scope.SPEECH])

    response = getattr(client, method)(f"{ADDRESS}{tail}", headers={"Authorization": f"Bearer {token}"})

    assert refused(response, 403) == ("insufficient_scope", None)


def test_a_stock_voice_is_looked_at_and_not_changed(alice, client_of):
    make_voice(name="stock")
    client = client_of(alice)

    assert client.get(f"{ADDRESS}/stock").json()["type"] == "stock"
    assert refused(client.delete(f"{ADDRESS}/stock"), 404) == ("voice_not_found", None)
