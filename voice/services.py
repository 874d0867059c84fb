"""From a request to work: names resolved, text made speakable, the job submitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Exists

from accounts.models import ApiKey, User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Allowance, Amount
from accounts.replays import Asked, Done, once
from accounts.runtime import runtime
from config.errors import Refusal
from jobs import services as jobs
from jobs.job_serializers import JobSerializer
from jobs.models import Item, Job
from jobs.webhooks import register
from voice import registry
from voice.audio.formats import FORMATS
from voice.briefs import Brief, BriefItem
from voice.conversions import CONVERSION, order_conversion
from voice.errors import (
    InvalidCharacter,
    ModelNotFound,
    NothingToSpeak,
    SpeedOutOfRange,
    TextTooLong,
    TimestampsUnavailable,
    UnknownLanguage,
    UnreadablePronunciation,
    UnsupportedLanguage,
    VoiceModelMismatch,
    VoiceNotFound,
)
from voice.lexicons import dictionary, find_version
from voice.models import LexiconVersion, Meant, Model, ModelAlias, Voice
from voice.requests import SpeechRequest
from voice.text import Dictionary, composed, forbidden_character, normalise, speakable
from voice.timing import ASKED, WORD
from voice.transcriptions import DEFAULT_MODEL, TRANSCRIPTION, order_transcription

SPEECH = "speech"
# the kind of such jobs and of what is charged for them


CHARACTERS_A_SECOND = 14
# of English at an ordinary speed: what audio is expected to come to before it is made


@dataclass(frozen=True, slots=True)
class Chosen:
    """A voice, and the language that it is to speak."""

    voice: Voice
    language: str
    # BCP 47 in lower case


@dataclass(frozen=True, slots=True)
class Line:
    """One text to be spoken, as it was asked for."""

    text: str
    voice: str
    model: str | None
    # none: whichever the voice has
    format: str
    language: str | None = None
    speed: float = 1.0
    seed: int | None = None
    instructions: str | None = None
    normalize: bool = True
    lexicon: str | None = None
    timestamps: Sequence[str] = ()
    # what is to be timed


@dataclass(frozen=True, slots=True)
class Script:
    """A line that can be spoken: its text, who speaks it, and how."""

    text: str
    # what is charged for
    chosen: Chosen
    options: dict[str, Any]
    # everything but the text that the sound depends on, resolved


class Casting:
    """Who speaks what, for one owner: every name is looked up once, however many lines there are."""

    def __init__(self, owner: User) -> None:
        self._owner = owner
        self._chosen: dict[tuple[str, str | None, str | None], Chosen] = {}
        self._lexicons: dict[str, tuple[LexiconVersion, Dictionary]] = {}

    def order(self, line: Line, *, batch: bool = False, **fields: Any) -> jobs.Order:
        """The order for a line; every Refusal for what can't be spoken comes from here."""
        script = self.script(line)
        milliseconds = round(len(script.text) / CHARACTERS_A_SECOND / line.speed * MILLISECONDS)
        form = FORMATS[line.format]
        return jobs.Order(
            actor=_actor(script.chosen.voice.model, batch=batch),
            text=script.text,
            format=line.format,
            media_type=form.media_type,
            voice_id=script.chosen.voice.pk,
            expected=Amount(len(script.text), milliseconds),
            bytes=form.bytes_a_second * milliseconds // MILLISECONDS,
            options=script.options,
            **fields,
        )

    def give(self, voice: Voice) -> None:
        """Let lines name this voice by its id, whoever's it is. VoiceRevoked or VoiceDisabled where nobody may speak in it."""
        voice.check_usable()
        self._chosen[voice.pk, None, None] = Chosen(voice, voice.languages[0])

    def script(self, line: Line) -> Script:
        text = _checked(line.text)
        chosen = self._choose(line)
        model = chosen.voice.model
        if not model.slowest <= line.speed <= model.fastest:
            raise SpeedOutOfRange(model.name, model.slowest, model.fastest)
        if (WORD in line.timestamps and not model.timed) or (line.timestamps and model.verbatim and not model.timed):
            raise TimestampsUnavailable(model.name, Model.objects.timed(), sentences=not model.verbatim)
        if not model.verbatim:
            text = normalise(text)
            if not speakable(text):
                raise NothingToSpeak
        lexicon = self._lexicon(line.lexicon, text, chosen) if line.lexicon else None
        return Script(text, chosen, _configuration(line, chosen, lexicon))

    def _lexicon(self, reference: str, text: str, chosen: Chosen) -> str | None:
        """The version that the text is read with, in full; None where it is not for such a text, or the voice takes it as it is."""
        if reference not in self._lexicons:
            found = find_version(self._owner, reference)
            self._lexicons[reference] = found, dictionary(found)
        version, words = self._lexicons[reference]
        model = chosen.voice.model
        if model.verbatim or not version.lexicon.is_for(chosen.language):
            return None
        if not model.phonetic:
            for _, _, entry in words.find(text):
                if not entry.respelling:
                    raise UnreadablePronunciation(entry.word, model.name)
        return version.reference

    def _choose(self, line: Line) -> Chosen:
        asked = (line.voice, line.language, line.model)
        if asked not in self._chosen:
            chosen = choose_voice(owner=self._owner, name=line.voice, language=line.language)
            if line.model is not None:
                _check_model(line.model, chosen.voice, named=line.voice)
            self._chosen[asked] = chosen
        return self._chosen[asked]


def request_speech(
    *,
    owner: User,
    api_key: ApiKey | None,
    speech: SpeechRequest,
    streamed: bool,
    fresh: bool,
    asked: Asked,
    allowed: Allowance | None = None,
) -> tuple[Item, bool]:
    """Submit a speech job of one item, or find the one that this request made before; whether it was found is told with it."""
    made: list[Job] = []

    def act() -> Done:
        line = Line(
            text=speech.input,
            voice=speech.voice,
            model=speech.model,
            format=speech.response_format,
            language=speech.language,
            speed=speech.speed,
            seed=speech.seed,
            instructions=speech.instructions,
            normalize=speech.normalize,
            lexicon=speech.lexicon,
            timestamps=speech.timestamp_granularities,
        )
        order = Casting(owner).order(line, store=speech.store, streamed=streamed, expires_after=speech.expires_after, fresh=fresh)
        made.append(jobs.submit(owner=owner, api_key=api_key, kind=SPEECH, orders=[order], about=jobs.About.of(asked), allowed=allowed))
        return Done(made[-1].pk)

    done = jobs.despite_deletions(lambda: jobs.retried(owner, asked) or once(owner, asked, act))
    if done.replayed:
        return Item.objects.select_related("job").get(job_id=done.subject), True
    return made[-1].written[0], False


def request_brief(
    *,
    owner: User,
    api_key: ApiKey | None,
    asked: Asked,
    fresh: bool,
    read: Callable[[], tuple[Brief, list[BriefItem]]],
) -> Done:
    """Submit a job of many items, or find the one that this request made before; the answer is the job as it was accepted.

    A Refusal names the item at fault by its index, and then nothing was created.
    """

    # an uploaded file can be read once
    known = cache(read)

    def act() -> Done:
        brief, items = known()
        kind = brief.kind or (CONVERSION if items[0].source else SPEECH)
        order = ORDERS[kind](owner, brief)
        orders = []
        for index, item in enumerate(items):
            try:
                if bool(item.source) != (kind != SPEECH):
                    raise Refusal(f"Every item of a brief for {kind} has {'an input' if kind == SPEECH else 'a source'}.", param="source")
                orders.append(order(item, batch=True, ref=item.ref, streamed=False, expires_after=brief.expires_after, fresh=fresh))
            except Refusal as refusal:
                refusal.param = f"items[{index}].{refusal.param or 'input'}"
                raise
        webhook = register(owner, brief.webhook_url, param="webhook_url") if brief.webhook_url else None
        about = jobs.About.of(asked, name=brief.name, metadata=brief.metadata, priority=brief.priority, webhook=webhook)
        job = jobs.submit(owner=owner, api_key=api_key, kind=kind, orders=orders, about=about)
        job.refresh_from_db()
        return Done(job.pk, JobSerializer(job).data)

    done = jobs.despite_deletions(lambda: jobs.retried(owner, asked) or once(owner, asked, act))
    if done.answer is not None:
        return done
    job = Job.objects.select_related("webhook").get(pk=done.subject)
    return Done(job.pk, JobSerializer(job).data, replayed=True)


def _actor(model: Model, *, batch: bool) -> str:
    """Who makes it: a batch is what nobody waits for."""
    return f"speak{'_by_model' if model.engine == registry.ENGINE else ''}{'_in_batch' if batch else ''}"


def _spoken(owner: User, brief: Brief) -> Callable[..., jobs.Order]:
    casting = Casting(owner)
    return lambda item, **fields: casting.order(_line(brief, item), **fields)


def _converted(owner: User, brief: Brief) -> Callable[..., jobs.Order]:
    # the model that a brief has when it names none is one that speaks
    model = brief.model if "model" in brief.model_fields_set else None
    return lambda item, **fields: order_conversion(
        owner=owner, source=item.source, voice=_voice(brief, item), model=model, form=brief.response_format, **fields
    )


def _transcribed(owner: User, brief: Brief) -> Callable[..., jobs.Order]:
    if "response_format" in brief.model_fields_set:
        raise Refusal("What is kept of a transcription is JSON; leave 'response_format' out.", param="response_format")
    model = brief.model if "model" in brief.model_fields_set else DEFAULT_MODEL
    words = WORD in brief.timestamp_granularities
    return lambda item, **fields: order_transcription(
        owner=owner, source=item.source, model=model, language=item.language or brief.language, words=words, **fields
    )


ORDERS = {SPEECH: _spoken, CONVERSION: _converted, TRANSCRIPTION: _transcribed}
# what makes the orders of a brief, by its kind


def _voice(brief: Brief, item: BriefItem) -> str:
    voice = item.voice or brief.voice
    if voice is None:
        raise Refusal("Name a voice, for the item or for the brief.", code="missing_required_parameter", param="voice")
    return voice


def _line(brief: Brief, item: BriefItem) -> Line:
    return Line(
        text=item.input,
        voice=_voice(brief, item),
        model=brief.model,
        format=brief.response_format,
        language=item.language or brief.language,
        speed=item.speed or brief.speed,
        normalize=brief.normalize if item.normalize is None else item.normalize,
        lexicon=item.lexicon or brief.lexicon,
        timestamps=brief.timestamp_granularities,
    )


def choose_voice(*, owner: User, name: str, language: str | None) -> Chosen:
    """The voice of that id, name or alias. An alias speaks every language, by whichever stock voice does; a voice only its own.

    A voice of one's own that can't be used is refused by VoiceRevoked or VoiceDisabled, and never another in its place.
    """
    tag = language.lower().replace("_", "-") if language else None
    voice = Voice.objects.visible_to(owner).called(name).first()
    if voice is None:
        raise VoiceNotFound(name)
    voice.check_usable()
    if tag is None or voice.speaks(tag):
        return Chosen(voice, tag or voice.languages[0])
    speaker = _default_voice(tag)
    if speaker is None:
        raise UnknownLanguage(tag)
    if voice.meant != Meant.ALIAS:
        raise UnsupportedLanguage(name, tag)
    return Chosen(speaker, tag)


def check_voice(*, owner: User, name: str, param: str) -> None:
    """The Refusal for a voice that can't speak, before there is anything to be spoken; `param` is the field that names it."""
    try:
        choose_voice(owner=owner, name=name, language=None)
    except Refusal as refusal:
        refusal.param = param
        raise


def _default_voice(language: str) -> Voice | None:
    """The stock voice for a language: one that names it most exactly, of the model that is preferred."""
    voices = list(Voice.objects.stock().usable().order_by("model__preference", "name"))
    return next((voice for voice in voices if voice.speaks(language) and language in voice.languages), None) or next(
        (voice for voice in voices if voice.speaks(language) and not voice.model.verbatim), None
    )


def _checked(raw: str) -> str:
    """The text composed (NFC), if it can be spoken at all."""
    if (character := forbidden_character(raw)) is not None:
        raise InvalidCharacter(character)
    text = composed(raw)
    if len(text) > runtime.MAX_INPUT_CHARACTERS:
        raise TextTooLong(len(text), runtime.MAX_INPUT_CHARACTERS)
    if not speakable(text):
        raise NothingToSpeak
    return text


def _check_model(name: str, voice: Voice, *, named: str) -> None:
    """The model must exist, and be the voice's unless it stands for any."""
    if name == voice.model_id:
        # it is enabled, or the voice could not be used
        return
    models = Model.objects.filter(pk=name, enabled=True)
    alias = ModelAlias.objects.filter(~Exists(models), pk=name).first()
    if alias is None and not models.exists():
        raise ModelNotFound(name)
    if alias is None or alias.model_id not in (None, voice.model_id):
        raise VoiceModelMismatch(named, name, voice.model.name)


def _configuration(line: Line, chosen: Chosen, lexicon: str | None) -> dict[str, Any]:
    """Everything but the text that the sound depends on, resolved."""
    voice = chosen.voice
    return {
        "engine": voice.model.engine,
        "model": voice.model.name,
        **voice.configuration,
        "language": chosen.language,
        "speed": line.speed,
        "seed": line.seed,
        "instructions": line.instructions,
        "format": line.format,
        "normalize": line.normalize and not voice.model.verbatim,
        "lexicon": lexicon,
        ASKED: sorted(set(line.timestamps)),
    }
