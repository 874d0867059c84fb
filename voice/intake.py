"""Audio that somebody sends, made safe: decoded and judged by a worker, kept as plain WAV, the upload itself deleted.

A web process never decodes. It keeps the upload, has a worker look at it, and waits.
"""

from __future__ import annotations

import time
import wave
from dataclasses import asdict, dataclass
from typing import IO, Any

import numpy as np
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import ApiKey, User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount
from config.errors import InternalError, Overloaded, Refusal
from jobs import services as jobs
from jobs import storage
from jobs.connections import give_back
from jobs.limits import BUSY_RETRY
from jobs.models import OPEN, Blob, Item, Job, State
from jobs.work import Work
from voice.audio.decode import PADDING, decode
from voice.audio.encode import SAMPLE_BYTES, exact_wav_header
from voice.audio.errors import FILE
from voice.audio.formats import FORMATS
from voice.audio.judge import judge, measure
from voice.audio.pcm import RATE
from voice.engines.base import Pcm
from voice.transcribers import transcriber, understands
from voice.uploads import Purpose, bounds, look, opened

INTAKE = "intake"
# the kind of such jobs, which cost nothing and are not shown
CLEAN = FORMATS["wav"]
RAW = "upload"
# what an upload is kept as: never under the name of what comes of it, however alike they are
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


def examine(
    *, owner: User, api_key: ApiKey | None, upload: UploadedFile[Any], purpose: Purpose, param: str = FILE, language: str = ""
) -> Intake:
    """What an upload comes to. Waits for a worker, so never within a transaction (`accounts.replays.once` opens one).

    `language` is that of a consent: where there is a transcriber, `findings` say as "transcript" what it heard, None if it does not
    know the language.

    Every Refusal for what can't be used comes from here, with `param` as the field at fault, and leaves nothing behind; Overloaded
    when no worker had the time.
    """
    if transaction.get_connection().in_atomic_block:
        raise RuntimeError("examine() waits for a worker, which sees nothing of a transaction")
    try:
        container = look(upload, purpose)
        job, raw = _submitted(owner, api_key, opened(upload), {"container": container, "purpose": purpose.value, "language": language})
        return _outcome(job, raw)
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
    elif purpose is Purpose.CONSENT and (ear := transcriber()):
        known = understands(ear, options["language"])
        work.findings = {"findings": {"transcript": ear.transcribe(pcm, check=work.check) if known else None}}
    work.write(exact_wav_header(pcm.size * SAMPLE_BYTES))
    work.write(pcm.astype("<i2", copy=False).tobytes(), seconds=pcm.size / RATE)


def decoded(work: Work, purpose: Purpose) -> Pcm:
    """The samples of an item's source, at RATE. An AudioRefusal for what can't be used, or is more than there may be for its purpose.

    InsufficientQuota for a recording that is longer than its bytes let expect, where its owner has not as much left.
    """
    source, limits = work.item.source, bounds(purpose)
    if source is None:
        raise InternalError
    with storage.fetched(source) as file:
        pcm = decode(
            file,
            work.item.options["container"],
            longest=limits.longest,
            shortest=limits.shortest,
            processor_seconds=settings.DECODE_SECONDS,
            check=work.check,
        )
    if purpose is Purpose.SOURCE:
        # what an encoder added at the ends is no matter of the quota
        work.item.expect(round((pcm.size / RATE - PADDING) * MILLISECONDS))
    return pcm


def read_pcm(blob: Blob) -> Pcm:
    """The samples of what `examine` kept, at RATE. StorageUnavailable when they can't be read now."""
    with storage.fetched(blob) as file, wave.open(file, "rb") as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.int16, copy=False)


def _submitted(owner: User, api_key: ApiKey | None, file: IO[bytes], options: dict[str, str]) -> tuple[Job, Blob]:
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
            return jobs.submit(owner=owner, api_key=api_key, kind=INTAKE, orders=[order], about=jobs.About(listed=False)), raw
    except Exception:  # whatever it is, the row is gone again
        if raw is not None:
            storage.discard(raw.pk)
        raise


def _outcome(job: Job, raw: Blob) -> Intake:
    """What came of it, with nothing left of the job and the upload."""
    item = _awaited(job.items.get())
    job.delete()
    # also where its worker has let go of it, who may be about to
    storage.remove(raw.pk)
    if item.state != State.COMPLETED:
        refusal = item.error
        refusal.param = FILE if refusal.status < InternalError.status else None
        raise refusal
    return Intake(item.output.blob, item.output.seconds, item.output.configuration.get("findings", {}))


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
