"""Audio that somebody sends, made safe: decoded and judged by a worker, kept as plain WAV, the upload itself deleted.

A web process never decodes. It keeps the upload, has a worker look at it, and waits.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import ApiKey, User
from accounts.quotas import Amount
from config.errors import InternalError, Overloaded, Refusal
from jobs import services as jobs
from jobs import storage
from jobs.connections import give_back
from jobs.limits import BUSY_RETRY, refuse_in_maintenance
from jobs.models import OPEN, Blob, Item, Job, State
from jobs.work import Work
from voice import catalogue
from voice.audio.encode import SAMPLE_BYTES, exact_wav_header
from voice.audio.errors import FILE
from voice.audio.formats import FORMATS
from voice.audio.judge import judge, measure
from voice.audio.pcm import RATE
from voice.audio.waveform import waveform
from voice.ears.base import Transcriber, Wanted
from voice.engines.base import Pcm
from voice.models import widened
from voice.sources import RAW, decoded
from voice.uploads import Purpose, look, opened

INTAKE = "intake"
# the kind of such jobs, which cost nothing and are not shown
CLEAN = FORMATS["wav"]
PATIENCE = 90.0
# seconds that a request waits for a worker
FIRST_LOOK = 0.05
LONGEST_LOOK = 0.25
# seconds between two looks; they grow
KEPT_FOR = 3600
# seconds that the result of a request which died meanwhile is kept


@dataclass(frozen=True, slots=True)
class Intake:
    """Audio that may be used."""

    blob: Blob
    # WAV, 16 bit, mono, at RATE; nothing else in it. Nothing names it yet: whoever wants it does so within the hour, or it is purged
    seconds: float
    findings: dict[str, Any]
    # what was measured of it, as JSON
    waveform: dict[str, Any] | None
    # as `voice.audio.waveform` tells it; none of one that a worker before looked at


def examine(
    *, owner: User, api_key: ApiKey | None, upload: UploadedFile[Any], purpose: Purpose, param: str = FILE, language: str = ""
) -> Intake:
    """What an upload comes to. Waits for a worker, so never within a transaction (`accounts.replays.once` opens one).

    `language` is that of a consent: where there is a transcriber, `findings` say as "transcript" what it heard, None if it does not
    know the language.

    Every Refusal for what can't be used comes from here, with `param` as the field at fault, and leaves nothing behind; Overloaded
    when no worker had the time; Maintenance when staff have no new work accepted.
    """
    # what it is for is accepted only when it is made safe, and is new until then
    refuse_in_maintenance()
    if transaction.get_connection().in_atomic_block:
        raise RuntimeError("examine() waits for a worker, which sees nothing of a transaction")
    try:
        container = look(upload, purpose)
        raw, job = _submitted(owner, api_key, opened(upload), {"container": container, "purpose": purpose.value, "language": language})
        return _outcome(raw, job)
    except Refusal as refusal:
        if refusal.status < InternalError.status and refusal.param == FILE:
            refusal.param = param
        raise


def make_safe(work: Work) -> None:
    """The worker's half: the item's source decoded, judged if it is a sample, and written as WAV."""
    options = work.item.options
    purpose = Purpose(options["purpose"])
    pcm = decoded(work, purpose)
    if purpose is Purpose.SAMPLE:
        sample = measure(pcm)
        judge(sample)
        work.findings = {"findings": asdict(sample)}
    elif purpose is Purpose.CONSENT and (ear := catalogue.ears().get(settings.CONSENT_TRANSCRIBER)):
        work.findings = {"findings": {"transcript": _heard(ear, pcm, options["language"], work)}}
    work.findings["waveform"] = asdict(waveform(pcm))
    work.write(exact_wav_header(pcm.size * SAMPLE_BYTES))
    work.write(pcm.astype("<i2", copy=False).tobytes(), seconds=pcm.size / RATE)


def _heard(ear: Transcriber, pcm: Pcm, language: str, work: Work) -> str | None:
    """What a consent says; None in a language that the transcriber does not know."""
    known = [tag for tag in widened(language.lower().replace("_", "-")) if tag in ear.languages]
    if not known:
        return None
    transcript = ear.transcribe(pcm, Wanted(languages=(known[0],)), check=work.check)
    with closing(transcript.segments):
        return " ".join(segment.text for segment in transcript.segments)


def _submitted(owner: User, api_key: ApiKey | None, file: IO[bytes], options: dict[str, str]) -> tuple[Blob, Job]:
    """The upload kept, and the job that looks at it, at once: the same bytes may be sent twice, and the first be done with them."""
    raw: Blob | None = None
    try:
        with transaction.atomic():
            raw = storage.keep(file, owner_id=owner.pk, form=RAW)
            order = jobs.Order(
                actor="examine_upload",
                text="",
                source=raw,
                format=CLEAN.name,
                media_type=CLEAN.media_type,
                expected=Amount(),
                streamed=False,
                fresh=True,
                expires_after=KEPT_FOR,
                options=options,
            )
            return raw, jobs.submit(owner=owner, api_key=api_key, kind=INTAKE, orders=[order], about=jobs.About(listed=False))
    except Exception:  # whatever it is, the row is gone again
        if raw is not None:
            storage.discard(raw.pk)
        raise


def _outcome(raw: Blob, job: Job) -> Intake:
    """What came of it, with nothing left of the job and the upload."""
    item = _awaited(job.items.get())
    job.delete()
    # its worker may be about to: whoever comes first does it, and nobody is answered before it is done
    storage.remove(raw.pk)
    if item.state != State.COMPLETED:
        refusal = item.error
        refusal.param = FILE if refusal.status < InternalError.status else None
        raise refusal
    found = item.output.configuration
    return Intake(item.output.blob, item.output.seconds, found.get("findings", {}), found.get("waveform"))


def _awaited(item: Item) -> Item:
    """The item, once it is over."""
    deadline = time.monotonic() + PATIENCE
    delay = FIRST_LOOK
    while item.state in OPEN:
        if time.monotonic() > deadline:
            jobs.stop(item=item)
            raise Overloaded("No worker had the time to look at the file. Try again shortly.", retry_after=BUSY_RETRY)
        give_back()
        time.sleep(delay)
        delay = min(2 * delay, LONGEST_LOOK)
        item = Item.objects.select_related("output__blob").get(pk=item.pk)
    return item
