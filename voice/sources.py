"""Sound that work is done on: an upload, or an output of somebody's own."""

from __future__ import annotations

import wave
from collections.abc import Callable
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount
from accounts.replays import Asked, Done, once
from config.errors import InternalError
from jobs import services as jobs
from jobs import storage
from jobs.models import Blob, Item, Output
from jobs.work import Work
from voice.audio.decode import PADDING, decode
from voice.audio.errors import AudioFormatUnsupported
from voice.audio.pcm import RATE
from voice.engines.base import Pcm
from voice.errors import OutputNotFound
from voice.uploads import Purpose, bounds, opened

RAW = "upload"
# what an upload is kept as: never under the name of what comes of it, however alike they are
OURS = "ours"
# the container of what this service has written itself: WAV that is read without a decoder's process
CONTAINERS = {"mp3": "mp3", "wav": "wav", "flac": "flac", "opus": "ogg", "aac": "aac"}
# that outputs are in, by their format; bare samples are in none, and a transcription is no audio
BYTES_A_SECOND = {"wav": 32_000, "flac": 32_000}
COMPRESSED = 8_000
# bytes that a second of a source ordinarily has at least, by its container: so much is set aside before it is decoded, the rest then


def submitted(*, owner: User, asked: Asked, upload: UploadedFile[Any], submit: Callable[[Callable[[], Blob]], Done]) -> tuple[Item, bool]:
    """Submit the job that works on an upload, or find the one that this request made before; told with it which it was.

    `submit` is given what keeps the upload: to be called when everything else that the request names was found.
    """
    kept: list[Blob] = []

    def keep() -> Blob:
        kept.append(storage.keep(opened(upload), owner_id=owner.pk, form=RAW))
        return kept[-1]

    def request() -> Done:
        try:
            with transaction.atomic():
                return jobs.retried(owner, asked) or once(owner, asked, lambda: submit(keep))
        except Exception:  # whatever it is, the row is gone again
            while kept:
                storage.discard(kept.pop().pk)
            raise

    done = jobs.despite_deletions(request)
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


def decoded(work: Work, purpose: Purpose, *, silent: bool = False) -> Pcm:
    """The worker's first step: the samples of an item's source, at RATE. `silent` says whether silence will do.

    An AudioRefusal for what can't be used, or is more than there may be for its purpose; InsufficientQuota for a recording that is longer
    than its bytes let expect, where its owner has not as much left.
    """
    source, limits = work.item.source, bounds(purpose)
    if source is None:
        raise InternalError
    if work.item.options["container"] == OURS:
        return read_pcm(source)
    with storage.fetched(source) as file:
        pcm = decode(
            file,
            work.item.options["container"],
            longest=limits.longest,
            shortest=limits.shortest,
            processor_seconds=settings.DECODE_SECONDS,
            silent=silent,
            check=work.check,
        )
    if purpose is Purpose.SOURCE:
        # what an encoder added at the ends is no matter of the quota
        work.item.expect(round((pcm.size / RATE - PADDING) * MILLISECONDS))
    return pcm


def read_pcm(blob: Blob) -> Pcm:
    """The samples of what this service keeps as WAV, at RATE. StorageUnavailable when they can't be read now."""
    with storage.fetched(blob) as file, wave.open(file, "rb") as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.int16, copy=False)
