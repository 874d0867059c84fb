"""What is converted or transcribed: an upload, or an output of somebody's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount
from accounts.replays import Asked, Done, once
from config.errors import InternalError, Refusal
from jobs import services as jobs
from jobs import storage
from jobs.models import Blob, Item, Output
from jobs.work import Work
from voice.audio.decode import decode
from voice.audio.errors import AudioFormatUnsupported
from voice.engines.base import Pcm
from voice.errors import OutputNotFound
from voice.intake import RAW, read_pcm
from voice.uploads import Purpose, bounds, opened

CONTAINERS = {"mp3": "mp3", "wav": "wav", "flac": "flac", "opus": "ogg", "aac": "aac"}
# that outputs are in, by their format; bare samples are in none, and a transcription is no audio
BYTES_A_SECOND = {"wav": 32_000, "flac": 32_000}
COMPRESSED = 8_000
# bytes that a second of a source has at least, by its container: what it may come to is set aside before it is decoded


OURS = "ours"
# the container of what this service has written itself: WAV that is read without a decoder's process


def submitted(*, owner: User, asked: Asked, upload: UploadedFile[Any], submit: Callable[[Blob], Done]) -> tuple[Item, bool]:
    """Keep the upload and submit the job that works on it, or find the one that this request made before; told with it which it was."""
    kept: list[Blob] = []

    def act() -> Done:
        source = storage.keep(opened(upload), owner_id=owner.pk, form=RAW)
        kept.append(source)
        return submit(source)

    try:
        with transaction.atomic():
            done = jobs.retried(owner, asked) or once(owner, asked, act)
    except Refusal:
        for blob in kept:
            storage.discard(blob.pk)
        raise
    item = Item.objects.select_related("job").get(job_id=done.subject)
    if item.source_id is None:
        # it was made before: nobody needs what was sent for it
        for blob in kept:
            storage.remove(blob.pk)
    return item, done.replayed


def own_output(owner: User, name: str) -> tuple[Output, str]:
    """An output of somebody's own, and the container that its sound is in."""
    output = Output.objects.of(owner).listed().filter(pk=name).select_related("blob").first()
    if output is None:
        raise OutputNotFound(name)
    container = CONTAINERS.get(output.format)
    if container is None:
        unsupported = AudioFormatUnsupported(f"What is '{output.format}' can't be worked on; what is {', '.join(CONTAINERS)} can.")
        unsupported.param = "source"
        raise unsupported
    return output, container


def expected(source: Blob, container: str) -> Amount:
    """What an upload may come to: it is decoded by a worker only. What is too much is given back at the end."""
    seconds = source.bytes / BYTES_A_SECOND.get(container, COMPRESSED)
    return Amount(milliseconds=round(min(seconds, settings.MAX_UPLOAD_SECONDS) * MILLISECONDS))


def decoded(work: Work, *, silent: bool = False) -> Pcm:
    """The worker's first step: the samples of the item's source."""
    if work.item.source is None:
        raise InternalError
    if work.item.options["container"] == OURS:
        return read_pcm(work.item.source)
    limits = bounds(Purpose.SOURCE)
    with storage.fetched(work.item.source) as file:
        return decode(
            file,
            work.item.options["container"],
            longest=limits.longest,
            shortest=limits.shortest,
            processor_seconds=settings.DECODE_SECONDS,
            silent=silent,
            check=work.check,
        )
