"""Speech into text: from an upload to work, and the work itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from io import BytesIO
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount
from accounts.replays import Asked, Done
from jobs import departure, storage, tracing
from jobs import services as jobs
from jobs.departure import Reason
from jobs.models import Blob, Item
from jobs.work import Work
from voice import catalogue, metrics, registry
from voice.audio.encode import SAMPLE_BYTES, exact_wav_header
from voice.audio.pcm import RATE
from voice.ears.base import Pauses, Segment, Wanted
from voice.ears.whisper import Whisper
from voice.engines.base import DeviceLost
from voice.errors import EngineMissing, LanguageNotUnderstood, ModelNotFound, TranscriptionUnavailable
from voice.models import Model, ModelAlias, Task
from voice.sources import OURS, decoded, expected, own_output, submitted
from voice.timing import ASKED, SENTENCE, WORD, Timed, Timestamps
from voice.transcription_requests import TranscriptionRequest, TranslationRequest
from voice.transcripts import Writer
from voice.uploads import Purpose, look

TRANSCRIPTION = "transcription"
# the kind of such jobs and of what is charged for them
SAID = "said"
# what a turn of a conversation is kept as: never under the name of what is to last
DEFAULT_MODEL = "whisper-1"
# of a brief that names none
ORDINARY = "whisper-1"
# the name of the model for whoever names none
FORMAT, MEDIA_TYPE = "json", "application/json"
# of what is kept


def request_transcription(
    *, owner: User, api_key: ApiKey | None, wanted: TranslationRequest, upload: UploadedFile[Any], fresh: bool, asked: Asked
) -> tuple[Item, bool]:
    """Keep the upload and submit the job that transcribes it, or find the one that this request made before; told with it which it was.

    What is no TranscriptionRequest is to be translated into English.
    """
    container = look(upload, Purpose.SOURCE)
    understood = wanted if isinstance(wanted, TranscriptionRequest) else None
    options = {
        "prompt": wanted.prompt,
        "temperature": wanted.temperature,
        "keywords": understood.keywords if understood else [],
        ASKED: _timed(words=understood is not None and understood.words),
        "pauses": asdict(understood.pauses if understood else Pauses()),
    }

    def submit(keep: Callable[[], Blob]) -> Done:
        model = choose_model(wanted.model, understood.spoken if understood else (), translates=understood is None)
        source = keep()
        order = _order(
            model,
            source,
            container=container,
            languages=understood.spoken if understood else (),
            translate=understood is None,
            options=options,
            expected=expected(source, container),
            store=wanted.store,
            expires_after=wanted.expires_after,
            fresh=fresh,
        )
        return Done(jobs.submit(owner=owner, api_key=api_key, kind=TRANSCRIPTION, orders=[order], about=jobs.About.of(asked)).pk)

    return submitted(owner=owner, asked=asked, upload=upload, submit=submit)


def order_transcription(
    *, owner: User, source: str, model: str, language: str | None, words: bool, batch: bool, **fields: Any
) -> jobs.Order:
    """The order to transcribe an output of somebody's own."""
    output, container = own_output(owner, source)
    languages = (language.lower().replace("_", "-"),) if language else ()
    return _order(
        choose_model(model, languages, translates=False),
        output.blob,
        container=container,
        languages=languages,
        translate=False,
        options={"prompt": "", "temperature": 0.0, "keywords": [], ASKED: _timed(words=words), "pauses": asdict(Pauses())},
        expected=Amount(milliseconds=round(output.seconds * MILLISECONDS)),
        batch=batch,
        **fields,
    )


class Hearing:
    """Orders that what is said in one conversation be understood. Of what it names, everything is looked up once."""

    def __init__(self, owner: User) -> None:
        self._owner = owner
        self._chosen: dict[tuple[str, tuple[str, ...]], Model] = {}

    def order(self, pcm: bytes, *, model: str, language: str | None, prompt: str) -> jobs.Order:
        """For samples of 16 bits at RATE, of which nothing is kept.

        A model that is not known here is one of others' for us: what stands for their first is used.
        """
        languages = (language.lower().replace("_", "-"),) if language else ()
        chosen = self._choose(model or ORDINARY, languages)
        sound = BytesIO(exact_wav_header(len(pcm)) + pcm)
        return _order(
            chosen,
            storage.keep(sound, owner_id=self._owner.pk, form=SAID, lasting=False),
            container=OURS,
            languages=languages,
            translate=False,
            options={"prompt": prompt, "temperature": 0.0, "keywords": [], ASKED: _timed(words=False), "pauses": asdict(Pauses())},
            expected=Amount(milliseconds=len(pcm) // SAMPLE_BYTES * MILLISECONDS // RATE),
            store=False,
            fresh=True,
        )

    def _choose(self, name: str, languages: tuple[str, ...]) -> Model:
        asked = (name, languages)
        if asked not in self._chosen:
            try:
                self._chosen[asked] = choose_model(name, languages, translates=False)
            except ModelNotFound:
                self._chosen[asked] = choose_model(ORDINARY, languages, translates=False)
        return self._chosen[asked]


def choose_model(name: str, languages: tuple[str, ...], *, translates: bool) -> Model:
    """The model of that name or alias. Refused where it is for something else, or understands none of the languages."""
    model = Model.objects.filter(pk=name, enabled=True).first()
    if model is None:
        alias = ModelAlias.objects.exclude(model__enabled=False).filter(pk=name).select_related("model").first()
        if alias is None:
            raise ModelNotFound(name)
        model = alias.model
    if model is None or model.task != Task.TRANSCRIPTION or (translates and not model.translates):
        raise TranscriptionUnavailable(name, Model.objects.that_hear(translating=translates), translates=translates)
    if languages and not any(model.understands(language) for language in languages):
        raise LanguageNotUnderstood(name, languages[0])
    return model


def transcribe(work: Work) -> None:
    """The worker's half: the source decoded, and each segment written as soon as it is understood."""
    options = work.item.options
    ear = catalogue.ears().get(options["engine"])
    if ear is None:
        raise EngineMissing
    pcm = decoded(work, Purpose.SOURCE, silent=True)
    duration = pcm.size / RATE
    writer, segments = Writer(), []
    hearing, since = metrics.Busy(), timezone.now()
    try:
        with hearing:
            transcript = ear.transcribe(pcm, _wanted(options), check=work.check)
        with closing(transcript.segments):
            work.write(writer.begin(language=transcript.language, translated=options["translate"], duration=duration))
            for segment in hearing.of(transcript.segments):
                work.write(writer.add(segment), seconds=max(0.0, min(segment.end, duration) - work.seconds))
                segments.append(segment)
    except DeviceLost:
        departure.ask(Reason.DEVICE_LOST)
        raise
    finally:
        metrics.worked(options, seconds=hearing.seconds, audio=duration)
        engine, model = metrics.maker(options)
        tracing.past("engine", since=since, engine=engine, model=model, busy_seconds=hearing.seconds, audio_seconds=duration)
    work.write(writer.end(), seconds=duration - work.seconds)
    if work.item.store:
        work.timestamps = _timestamps(segments)


def _timed(*, words: bool) -> list[str]:
    """What an output's timestamps will have."""
    return [SENTENCE, WORD] if words else [SENTENCE]


def _timestamps(segments: Sequence[Segment]) -> bytes:
    """As they are kept of speech, so that an output has subtitles whichever way it was made."""
    words = tuple(Timed(word.text, word.start, word.end) for segment in segments for word in segment.words)
    return Timestamps(words, tuple(Timed(segment.text, segment.start, segment.end) for segment in segments)).packed()


def _order(
    model: Model,
    source: Blob,
    *,
    container: str,
    languages: tuple[str, ...],
    translate: bool,
    options: dict[str, Any],
    batch: bool = False,
    **fields: Any,
) -> jobs.Order:
    resolved = {"engine": model.engine, "model": model.name, "container": container, "languages": list(languages), "translate": translate}
    return jobs.Order(
        actor=f"transcribe{'_by_model' if model.engine == Whisper.name else ''}{'_in_batch' if batch else ''}",
        text="",
        source=source,
        format=FORMAT,
        media_type=MEDIA_TYPE,
        options={**resolved, **options},
        **fields,
    )


def _wanted(options: dict[str, Any]) -> Wanted:
    model = Model.objects.filter(pk=options["model"], enabled=True).first()
    return Wanted(
        languages=tuple(options["languages"]),
        prompt=options["prompt"],
        keywords=tuple(options["keywords"]),
        temperature=options["temperature"],
        words=WORD in options[ASKED],
        translate=options["translate"],
        pauses=Pauses(**options["pauses"]),
        # where the model's files are is said by its row: never by what a request said
        model=registry.source_of(model, options["model"]) if options["engine"] == Whisper.name else None,
    )
