"""The same words by another voice: from an upload to work, and the work itself."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Literal

from django.core.files.uploadedfile import UploadedFile
from pydantic import Field

from accounts.models import ApiKey, User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount
from accounts.replays import Asked, Done
from accounts.serializers import Body
from jobs import services as jobs
from jobs.models import Blob, Item
from jobs.work import Work
from voice import catalogue, registry
from voice.audio.formats import FORMATS
from voice.audio.pcm import RATE, Resampler
from voice.cloning import reference, voice_of
from voice.engines.base import Pcm
from voice.errors import ConversionUnavailable, EngineMissing, NoSamples, VoiceNotFound
from voice.models import Meant, Model, Task, Voice
from voice.rendering import render
from voice.requests import LONGEST_KEPT, LONGEST_NAME
from voice.sources import decoded, expected, own_output, submitted
from voice.uploads import Purpose, look

CONVERSION = "conversion"
# the kind of such jobs and of what is charged for them
BLOCK_SECONDS = 1.0
# of the source that go to the model at once


class ConversionRequest(Body):
    """The fields of `POST /v1/audio/conversions` beside its file."""

    voice: str = Field(min_length=1, max_length=LONGEST_NAME, description="one of your own, with samples")
    model: str | None = Field(None, min_length=1, max_length=LONGEST_NAME, description="one for conversion; else the operator's first")
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    store: bool = True
    expires_after: int | None = Field(None, ge=60, le=LONGEST_KEPT)


def request_conversion(
    *, owner: User, api_key: ApiKey | None, wanted: ConversionRequest, upload: UploadedFile[Any], fresh: bool, asked: Asked
) -> tuple[Item, bool]:
    """Keep the upload and submit the job that converts it, or find the one that this request made before; told with it which it was."""
    container = look(upload, Purpose.SOURCE)

    def submit(keep: Callable[[], Blob]) -> Done:
        voice, model = _target(owner, wanted.voice), _model(wanted.model)
        source = keep()
        order = _order(
            actor="convert",
            source=source,
            container=container,
            expected=expected(source, container),
            voice=voice,
            model=model,
            form=wanted.response_format,
            store=wanted.store,
            streamed=wanted.response_format != "wav",
            expires_after=wanted.expires_after,
            fresh=fresh,
        )
        return Done(jobs.submit(owner=owner, api_key=api_key, kind=CONVERSION, orders=[order], about=jobs.About.of(asked)).pk)

    return submitted(owner=owner, asked=asked, upload=upload, submit=submit)


def order_conversion(*, owner: User, source: str, voice: str, model: str | None, form: str, batch: bool, **fields: Any) -> jobs.Order:
    """The order to convert an output of somebody's own."""
    output, container = own_output(owner, source)
    return _order(
        actor="convert_in_batch" if batch else "convert",
        source=output.blob,
        container=container,
        expected=Amount(milliseconds=round(output.seconds * MILLISECONDS)),
        voice=_target(owner, voice),
        model=_model(model),
        form=form,
        **fields,
    )


def convert(work: Work) -> None:
    """The worker's half: the source decoded, converted piece by piece, and written as each is done."""
    engine = catalogue.models()
    if engine is None:
        raise EngineMissing
    voice = voice_of(work)
    pcm = decoded(work, Purpose.SOURCE)
    model = _model(work.item.options["model"])
    source = registry.source_of(model, model.name)
    converted = engine.convert(_blocks(pcm, work), reference(voice), source)
    render(work, _joined(converted, engine.rate_of(source)))


def _order(*, source: Blob, container: str, voice: Voice, model: Model, form: str, **fields: Any) -> jobs.Order:
    configuration = {"engine": model.engine, "model": model.name, **voice.configuration, "container": container, "format": form}
    return jobs.Order(
        text="",
        source=source,
        format=form,
        media_type=FORMATS[form].media_type,
        voice_id=voice.pk,
        options=configuration,
        **fields,
    )


def _blocks(pcm: Pcm, work: Work) -> Iterator[Pcm]:
    size = round(BLOCK_SECONDS * RATE)
    for start in range(0, len(pcm), size):
        work.check()
        yield pcm[start : start + size]


def _joined(pieces: Generator[Pcm, None, None], rate: int) -> Generator[Pcm, None, None]:
    """The pieces at RATE, one after the other: they were cut where it is quiet."""
    resampler = Resampler(rate)
    for piece in pieces:
        yield resampler.push(piece)
    yield resampler.flush()


def _target(owner: User, name: str) -> Voice:
    """A voice of somebody's own; NoSamples for one that was not recorded."""
    voice = Voice.objects.visible_to(owner).called(name).first()
    if voice is None or voice.meant == Meant.ALIAS:
        raise VoiceNotFound(name)
    voice.check_usable()
    if voice.owner_id is None:
        raise NoSamples(name)
    return voice


def _model(name: str | None) -> Model:
    """The model of that name, or the operator's first that converts; ConversionUnavailable when there is none."""
    models = Model.objects.filter(task=Task.CONVERSION, enabled=True)
    model = (models.filter(pk=name) if name else models).order_by("preference", "name").first()
    if model is None:
        raise ConversionUnavailable(name)
    return model
