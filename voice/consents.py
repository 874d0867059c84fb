"""Consents: recorded, reviewed, revoked, and what is done about it."""

from __future__ import annotations

from typing import Any

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import ApiKey, User
from accounts.replays import Asked, Done, earlier, once
from accounts.runtime import runtime
from config.env import Fate, Review
from jobs import doorbell, storage
from jobs import services as jobs
from jobs.errors import InvalidState
from jobs.models import Item, Output, State
from voice.conditioning import forget_conditioning
from voice.custom_requests import NewConsent
from voice.custom_serializers import ConsentSerializer
from voice.intake import examine
from voice.models import Consent, ConsentState, Sample, Voice
from voice.models.custom import ConsentRows
from voice.phrases import is_read, phrase_in
from voice.uploads import Purpose

log = structlog.get_logger("consents")

LONGEST_REASON = 500
# characters
BATCH = 100
# outputs that are looked at together


def record_consent(*, owner: User, api_key: ApiKey | None, wanted: NewConsent, upload: UploadedFile[Any], asked: Asked) -> Done:
    """Keep what a speaker said, and decide on it where no one else is to. What the recording can't be used for is a Refusal."""
    phrase = phrase_in(wanted.language)
    if known := earlier(owner, asked):
        return known
    intake = examine(owner=owner, api_key=api_key, upload=upload, purpose=Purpose.CONSENT, param="recording", language=wanted.language)
    state, reason = _verdict(phrase, intake.findings)

    @transaction.atomic
    def act() -> Done:
        storage.hold(intake.blob)
        consent = Consent.objects.create(
            owner=owner,
            name=wanted.name,
            language=wanted.language,
            phrase=phrase,
            recording=intake.blob,
            seconds=intake.seconds,
            transcript=intake.findings.get("transcript") or "",
            waveform=intake.waveform,
            state=state,
            reason=reason,
        )
        consent.refresh_from_db()
        return Done(consent.pk, ConsentSerializer(consent).data)

    return once(owner, asked, act)


def revoke(consent: Consent, *, reason: str = "") -> bool:
    """End a consent and all use of its voices, at once; False when that was done before.

    From its row on nothing new begins: whoever begins something looks at it. What runs is stopped, and what is kept of the voices is
    removed; of that, whatever takes long is left to a worker.
    """
    if not consent.revoke(reason=reason):
        return False
    # read only now: what began before is running by now, and what began since has seen the row
    _stop_running(Consent.objects.filter(pk=consent.pk))
    for voice in consent.voices.all():
        forget_voice_audio(voice)
    # it is sent every few minutes too
    doorbell.ring("clear_revoked_consents")
    return True


def delete(consent: Consent) -> None:
    """Revoke a consent, and remove its recording. The row stays for those who must know what was agreed on."""
    revoke(consent, reason="Its owner deleted it.")
    name = consent.recording_id
    Consent.objects.filter(pk=consent.pk).update(recording=None, transcript="", waveform=None, deleted_at=Now())
    if name is not None:
        storage.remove(name)


def clear_revoked() -> None:
    """Stop and remove whatever there still is under consents that were revoked. Many may do so at once; what one leaves undone the next
    finds.
    """
    _stop_running(Consent.objects.revoked())
    voices = Voice.objects.filter(consent__state=ConsentState.REVOKED, samples__isnull=False).distinct()
    for voice in voices:
        forget_voice_audio(voice)
    if settings.CONSENT_REVOKED_OUTPUTS == Fate.DELETE:
        _forget_outputs(Consent.objects.revoked())


def forget_voice_audio(voice: Voice) -> None:
    """Remove the samples of a voice, and on this machine what was computed of them."""
    with transaction.atomic():
        samples = Sample.objects.filter(voice=voice)
        names = list(samples.values_list("blob_id", flat=True))
        samples.delete()
    for name in names:
        storage.remove(name)
    forget_conditioning(voice.pk)


def _verdict(phrase: str, findings: dict[str, Any]) -> tuple[ConsentState, str]:
    """Whether what was heard is enough. Where nothing listens the owner's word is; what can't be understood is for staff to hear."""
    if runtime.CONSENT_REVIEW == Review.STAFF:
        return ConsentState.PENDING, ""
    if "transcript" not in findings:
        return ConsentState.APPROVED, ""
    heard: str | None = findings["transcript"]
    if heard is None:
        return ConsentState.PENDING, ""
    if is_read(phrase, heard):
        return ConsentState.APPROVED, ""
    return ConsentState.REFUSED, f"This is not the phrase, but {heard!r}. Record it again, word for word."[:LONGEST_REASON]


def _stop_running(consents: ConsentRows) -> None:
    ids = list(consents.values_list("pk", flat=True))
    for item in Item.objects.filter(state=State.RUNNING, stop_asked_at=None, options__consent_id__in=ids):
        jobs.stop(item=item)


def _forget_outputs(consents: ConsentRows) -> None:
    ids = list(consents.values_list("pk", flat=True))
    # by owner first, for that has an index
    outputs = Output.objects.filter(owner__in=consents.values("owner"), configuration__consent_id__in=ids, legal_hold=False).order_by("pk")
    last = ""
    while batch := list(outputs.filter(pk__gt=last)[:BATCH]):
        for output in batch:
            try:
                storage.forget(output)
            except InvalidState:
                # held since it was looked up
                log.info("held", output_id=output.pk)
        last = batch[-1].pk
