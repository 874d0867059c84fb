"""What is left of a voice once its speaker takes his word back: nothing that anybody could use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dramatiq
import pytest
from asgiref.sync import async_to_sync
from django.core.files.storage import default_storage
from django.db import connection
from dramatiq_crontab import scheduler

from accounts.models import User
from accounts.replays import Asked
from config.errors import Refusal
from jobs.models import Item, Output, State
from jobs.streams import streams
from jobs.streams.base import Kind
from tests.factories import keep_output, make_consent, make_item, make_running, make_sample, make_voice, tone_options
from tests.voice.recordings import recording
from tests.waiting import wait_until
from voice import conditioning, consents, custom_voices
from voice.actors import clear_revoked_consents, speak
from voice.catalogue import synchronise
from voice.cloning import reference
from voice.custom_requests import NewVoice
from voice.errors import VoiceDisabled, VoiceNotFound, VoiceRevoked
from voice.models import Consent, Model, Sample, Voice, VoiceAlias
from voice.services import choose_voice

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]

SLOW = 1050
# the seed by which the tone engine takes 50 ms a byte


REVOKES = 6
# the number of the thread that does; those before it make voices and samples


def item_in(voice: Voice, **fields: Any) -> dict[str, Any]:
    """The fields of an item that is spoken in a voice."""
    return {"voice": voice, "options": tone_options(**voice.configuration), **fields}


def consent_of(voice: Voice) -> Consent:
    assert voice.consent is not None
    return voice.consent


def output_in(voice: Voice, owner: User, data: bytes = b"spoken", **fields: Any) -> Output:
    item = make_item(owner, **item_in(voice, state=State.COMPLETED, attempt=1))
    return keep_output(item, data, **fields)


async def first_sound(item: Item) -> None:
    async for entry in streams().read(item.pk, wait=1.0):
        if entry is not None and entry.kind is Kind.DATA:
            return


def failed(item: Item) -> tuple[str, str]:
    item.refresh_from_db()
    return item.state, item.error_code


# ── Nothing begins ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_can_ask_for_it_and_never_gets_another_instead(alice):
    voice = make_voice(owner=alice, name="alloy")
    VoiceAlias.objects.create(name="alloy", voice=make_voice(name="stock"))

    consents.revoke(consent_of(voice))

    for name in (voice.pk, "alloy"):
        with pytest.raises(VoiceRevoked):
            choose_voice(owner=alice, name=name, language=None)
    assert voice not in Voice.objects.usable()


def test_staff_who_enable_it_do_not_bring_it_back(alice):
    voice = make_voice(owner=alice, enabled=False)
    with pytest.raises(VoiceDisabled):
        choose_voice(owner=alice, name=voice.pk, language=None)
    consents.revoke(consent_of(voice))

    Voice.objects.update(enabled=True)

    with pytest.raises(VoiceRevoked):
        choose_voice(owner=alice, name=voice.pk, language=None)


def test_what_was_queued_fails_and_says_why(alice):
    synchronise()
    revoked, deleted, disabled, fine = (make_voice(owner=alice, name=name, model="tone") for name in ("a", "b", "c", "d"))
    items = [make_item(alice, **item_in(voice)) for voice in (revoked, deleted, disabled, fine)]

    consents.revoke(consent_of(revoked))
    custom_voices.delete_voice(deleted)
    Voice.objects.filter(pk=disabled.pk).update(enabled=False)
    for item in items:
        speak(item.pk)

    assert [failed(item) for item in items] == [
        ("failed", "voice_revoked"),
        ("failed", "voice_not_found"),
        ("failed", "voice_disabled"),
        ("completed", ""),
    ]


@pytest.mark.parametrize("end", ["revoke", "delete"])
def test_what_runs_is_stopped(alice, worker: dramatiq.Worker, end):
    voice = make_voice(owner=alice, model="tone")
    item = make_item(alice, **item_in(voice, text="slow " * 200))
    Item.objects.filter(pk=item.pk).update(options={**item.options, "seed": SLOW})
    dramatiq.get_broker().get_actor("speak").send(item.pk)
    async_to_sync(first_sound)(item)

    if end == "revoke":
        consents.revoke(consent_of(voice))
    else:
        custom_voices.delete_voice(voice)

    wait_until(lambda: failed(item) == ("cancelled", "cancelled"))
    assert not Output.objects.exists()


def test_what_runs_in_another_voice_goes_on(alice, bob):
    mine, other, foreign = make_voice(owner=alice), make_voice(owner=alice, name="berta"), make_voice(owner=bob)
    running = [make_running(owner, **item_in(voice)) for owner, voice in ((alice, mine), (alice, other), (bob, foreign))]

    consents.revoke(consent_of(mine))

    stopped = Item.objects.exclude(stop_asked_at=None)
    assert [item.pk for item in stopped] == [running[0].pk]


@pytest.mark.parametrize("end", ["revoke", "delete"])
def test_a_voice_that_was_found_before_sounds_like_nobody(alice, end):
    voice = make_voice(owner=alice)
    make_sample(voice)
    found = reference(voice)

    if end == "revoke":
        consents.revoke(consent_of(voice))
    else:
        custom_voices.delete_voice(Voice.objects.get())

    with pytest.raises(VoiceNotFound):
        found.recordings()


# ── Nothing is kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_samples_and_what_was_computed_of_them_go_at_once(alice):
    voice = make_voice(owner=alice)
    sample = make_sample(voice)
    folder = conditioning.folder(voice)
    folder.mkdir(parents=True)
    (folder / "latents").write_bytes(b"x")

    assert consents.revoke(consent_of(voice))

    assert not Sample.objects.exists()
    assert not default_storage.exists(sample.blob_id)
    assert not folder.parent.exists()
    assert not consents.revoke(consent_of(voice))


def test_what_was_made_goes_too_but_what_is_held_and_what_is_not_of_it(alice, bob):
    voice, deleted = make_voice(owner=alice), make_voice(owner=alice, name="gone")
    Voice.objects.filter(pk=deleted.pk).update(consent=voice.consent)
    deleted.refresh_from_db()
    other, foreign = make_voice(owner=alice, name="berta"), make_voice(owner=bob)
    gone = [output_in(voice, alice, b"1"), output_in(deleted, alice, b"2")]
    stay = [output_in(voice, alice, b"3", legal_hold=True), output_in(other, alice, b"4"), output_in(foreign, bob, b"5")]
    custom_voices.delete_voice(deleted)

    consents.revoke(consent_of(voice))
    clear_revoked_consents()

    assert set(Output.objects.all()) == set(stay)
    assert [default_storage.exists(output.blob_id) for output in gone + stay] == [False] * 2 + [True] * 3


def test_the_operator_may_keep_what_was_made(alice, settings):
    settings.CONSENT_REVOKED_OUTPUTS = "keep"
    voice = make_voice(owner=alice)
    sample = make_sample(voice)
    output = output_in(voice, alice)

    consents.revoke(consent_of(voice))
    clear_revoked_consents()

    assert Output.objects.get() == output
    assert not default_storage.exists(sample.blob_id)


def test_a_worker_clears_up_as_soon_as_it_is_revoked(alice, worker: dramatiq.Worker):
    voice = make_voice(owner=alice)
    output_in(voice, alice)

    consents.revoke(consent_of(voice))

    wait_until(lambda: not Output.objects.exists())


def test_what_a_process_that_died_left_is_found_by_the_next(alice):
    voice = make_voice(owner=alice)
    sample = make_sample(voice)
    output_in(voice, alice)
    running = make_running(alice, **item_in(voice))
    consent_of(voice).revoke()

    clear_revoked_consents()

    running.refresh_from_db()
    assert running.stop_asked_at is not None
    assert not Output.objects.exists()
    assert not default_storage.exists(sample.blob_id)
    assert "clear_revoked_consents" in {job.name for job in scheduler.get_jobs()}


def test_however_it_meets_with_new_voices_nothing_usable_is_left(alice, worker: dramatiq.Worker):
    Model.objects.create(name="clone", engine="tone", clones=True)
    consent = make_consent(alice)
    old = make_voice(owner=alice, name="old", consent=consent)
    asked = Asked(fingerprint="", key=None, attempt=None)

    def act(number: int) -> None:
        try:
            if number == REVOKES:
                wait_until(Sample.objects.exists)
                consents.revoke(consent)
            elif number % 2:
                wanted = NewVoice(name=f"v{number}", consent=consent.pk, model=None)
                custom_voices.create_voice(owner=alice, api_key=None, wanted=wanted, upload=recording(), asked=asked)
            else:
                text = f"This is the sample with the number {number} of them. The old man walked slowly down the street."
                custom_voices.add_sample(owner=alice, api_key=None, voice=old, upload=recording(text), asked=asked)
        except Refusal as refusal:
            refusals.append(refusal.code)
        finally:
            connection.close()

    refusals: list[str] = []
    with ThreadPoolExecutor(REVOKES + 1) as threads:
        list(threads.map(act, range(REVOKES + 1)))
    clear_revoked_consents()

    assert set(refusals) <= {"consent_not_approved", "voice_revoked"}
    assert len(Voice.objects.usable().of(alice)) == 0
    assert not Sample.objects.exists()
    assert Consent.objects.get(pk=consent.pk).state == "revoked"


# ── Other versions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_output_tells_the_version_that_it_was_made_with(alice):
    synchronise()
    voice = make_voice(owner=alice, model="tone")
    item = make_item(alice, **item_in(voice))
    Voice.objects.filter(pk=voice.pk).update(version=5)

    speak(item.pk)

    assert Output.objects.get().configuration["voice_version"] == 5


def test_what_was_computed_of_voices_that_are_gone_is_removed(alice):
    here, older = make_voice(owner=alice), make_voice(owner=alice, name="berta")
    folders = [conditioning.folder(here), conditioning.folder(older), settings_folder("voice_gone")]
    for folder in folders:
        folder.mkdir(parents=True)
    Voice.objects.filter(pk=older.pk).update(version=2)

    conditioning.forget_leftovers()

    assert [folder.exists() for folder in folders] == [True, False, False]
    assert not folders[2].parent.exists()
    conditioning.forget_conditioning(here.pk)


def settings_folder(voice_id: str) -> Any:
    return conditioning.folder(Voice(pk=voice_id))
