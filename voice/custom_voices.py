"""Voices of one's own: made of a consent and a sample, given more samples, deleted."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F

from accounts import quotas
from accounts.models import ApiKey, User
from accounts.replays import Asked, Done, earlier, once
from jobs import services as jobs
from jobs import storage
from jobs.models import Item, State
from voice.conditioning import forget_conditioning
from voice.custom_requests import NewVoice
from voice.custom_serializers import SampleSerializer
from voice.errors import (
    CloningUnavailable,
    ConsentNotFound,
    ConsentNotGiven,
    LastSample,
    ModelNotFound,
    NameTaken,
    SampleKnown,
    SampleNotFound,
    TooManySamples,
    TooManyVoices,
    VoiceNotFound,
)
from voice.intake import Intake, examine
from voice.models import ANY_LANGUAGE, Consent, ConsentState, Model, Sample, Task, Voice, VoiceAlias, widened
from voice.serializers import VoiceSerializer
from voice.uploads import Purpose

MOST_SAMPLES = 10
# of one voice


def create_voice(*, owner: User, api_key: ApiKey | None, wanted: NewVoice, upload: UploadedFile[Any], asked: Asked) -> Done:
    """A voice of somebody's own, from a sample. Refusals: ConsentNotFound, ConsentNotGiven, CloningUnavailable, NameTaken, TooManyVoices.

    They are asked about before the sample is, which takes a worker's time, and once more when the voice is written.
    """
    if known := earlier(owner, asked):
        return known
    _cloning_model(wanted.model)
    _check_new(owner, wanted)
    intake = examine(owner=owner, api_key=api_key, upload=upload, purpose=Purpose.SAMPLE, param="audio_sample")

    @transaction.atomic
    def act() -> Done:
        _lock(owner)
        model = _cloning_model(wanted.model, locked=True)
        consent = _check_new(owner, wanted, locked=True)
        voice = Voice(owner=owner, name=wanted.name, model=model, consent=consent, languages=_languages(consent, model))
        voice.speaker = voice.pk
        voice.save(force_insert=True)
        _keep_sample(voice, intake)
        voice.refresh_from_db()
        return Done(voice.pk, VoiceSerializer(voice).data)

    return once(owner, asked, act)


def rename_voice(*, owner: User, voice: Voice, name: str) -> None:
    """NameTaken where the name is another's, VoiceNotFound where the voice is gone."""
    with transaction.atomic():
        _lock(owner)
        _check_name(Voice.objects.filter(owner=owner).exclude(pk=voice.pk), name)
        if not Voice.objects.filter(pk=voice.pk).update(name=name):
            raise VoiceNotFound(voice.pk, param=None)
    voice.name = name


def delete_voice(voice: Voice) -> None:
    """Delete a voice with its samples, and stop what is being spoken in it. What was made with it stays."""
    with transaction.atomic():
        spoken = Item.objects.filter(voice=voice)
        running = list(spoken.filter(state=State.RUNNING))
        # items before the voice: who ends one may wait for who submits one, and he for the voice
        spoken.update(voice=None)
        locked = _locked(voice)
        names = list(locked.samples.values_list("blob_id", flat=True))
        running += spoken.filter(state=State.RUNNING)
        locked.delete()
        # robust: the rows are gone whatever comes now, and the purge finds what is left
        for name in names:
            transaction.on_commit(partial(storage.remove, name), robust=True)
    # what is claimed from here on finds no voice
    for item in running:
        jobs.stop(item=item)
    forget_conditioning(voice.pk)


def add_sample(*, owner: User, api_key: ApiKey | None, voice: Voice, upload: UploadedFile[Any], asked: Asked) -> Done:
    """One more recording of a voice, which so has another version. VoiceRevoked, VoiceDisabled, TooManySamples or SampleKnown."""
    if known := earlier(owner, asked):
        return known
    _check_more(voice)
    intake = examine(owner=owner, api_key=api_key, upload=upload, purpose=Purpose.SAMPLE, param="audio_sample")

    @transaction.atomic
    def act() -> Done:
        locked = _locked(voice)
        _check_more(locked)
        if locked.samples.filter(blob=intake.blob).exists():
            raise SampleKnown
        locked.version += 1
        locked.save(update_fields=["version"])
        sample = _keep_sample(locked, intake)
        return Done(sample.pk, SampleSerializer(sample).data)

    done = once(owner, asked, act)
    forget_conditioning(voice.pk)
    return done


def remove_sample(voice: Voice, sample_id: str) -> None:
    """Delete one of a voice's samples. LastSample when it is the only one."""
    with transaction.atomic():
        locked = _locked(voice)
        sample = locked.samples.filter(pk=sample_id).first()
        if sample is None:
            raise SampleNotFound
        if locked.samples.count() == 1:
            raise LastSample
        sample.delete()
        Voice.objects.filter(pk=voice.pk).update(version=F("version") + 1)
    storage.remove(sample.blob_id)
    forget_conditioning(voice.pk)


def _check_new(owner: User, wanted: NewVoice, *, locked: bool = False) -> Consent:
    """The consent for a voice that may be made; `locked`, it is not revoked before the end of the transaction."""
    consents = Consent.objects.of(owner).present()
    consent: Consent | None = (consents.select_for_update(no_key=True) if locked else consents).filter(pk=wanted.consent).first()
    if consent is None:
        raise ConsentNotFound(param="consent")
    if consent.state != ConsentState.APPROVED:
        raise ConsentNotGiven(consent.state, consent.reason)
    mine = Voice.objects.filter(owner=owner)
    _check_name(mine, wanted.name)
    most = quotas.allowance(owner).limits["custom_voices"]
    if most is not None and mine.count() >= most:
        raise TooManyVoices(most)
    return consent


def _lock(owner: User) -> None:
    """Whatever is counted from here on is counted alone: two at once are not one too many."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)


def _check_name(mine: Any, name: str) -> None:
    """One's own voices have names that tell them apart, also from those that everybody has."""
    if mine.filter(name=name).exists() or Voice.objects.stock().filter(name=name).exists() or VoiceAlias.objects.filter(pk=name).exists():
        raise NameTaken(name)


def _check_more(voice: Voice) -> None:
    voice.check_usable()
    if voice.samples.count() >= MOST_SAMPLES:
        raise TooManySamples(MOST_SAMPLES)


def _locked(voice: Voice) -> Voice:
    """The voice as it is now, which neither changes nor loses its consent before the end of the transaction."""
    Consent.objects.select_for_update(no_key=True).filter(pk=voice.consent_id).first()
    found = Voice.objects.select_for_update(of=("self",)).select_related("model", "consent").filter(pk=voice.pk).first()
    if found is None:
        raise VoiceNotFound(voice.pk, param=None)
    return found


def _keep_sample(voice: Voice, intake: Intake) -> Sample:
    storage.hold(intake.blob)
    sample = Sample.objects.create(
        voice=voice,
        blob=intake.blob,
        seconds=intake.seconds,
        findings=intake.findings,
        waveform=intake.waveform,
        version=voice.version,
    )
    sample.refresh_from_db()
    return sample


def _cloning_model(name: str | None, *, locked: bool = False) -> Model:
    """The model of that name, or the operator's first that clones; `locked`, it is not forgotten before the end of the transaction."""
    models = Model.objects.filter(task=Task.SPEECH, clones=True, enabled=True)
    if locked:
        models = models.select_for_update(no_key=True)
    model = models.first() if name is None else models.filter(pk=name).first()
    if model is not None:
        return model
    if name is not None and not Model.objects.filter(pk=name, enabled=True).exists():
        raise ModelNotFound(name)
    raise CloningUnavailable(name)


def _languages(consent: Consent, model: Model) -> list[str]:
    """Those that the model's stock voices speak, the speaker's own first; his own where there are none to know by."""
    own = consent.language.lower().replace("_", "-")
    of_model = {tag: None for voice in model.voices.filter(owner=None) for tag in voice.languages}
    first = [tag for tag in widened(own) if tag in of_model or ANY_LANGUAGE in of_model or not of_model]
    return list(dict.fromkeys([*first, *of_model]))
