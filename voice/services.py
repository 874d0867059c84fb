"""From a request to work: names resolved, text made speakable, the job submitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import F

from accounts.models import ApiKey, User
from jobs import services as jobs
from jobs.models import Item
from voice.audio.formats import FORMATS
from voice.errors import (
    InvalidCharacter,
    ModelNotFound,
    NothingToSpeak,
    SpeedOutOfRange,
    TextTooLong,
    UnknownLanguage,
    UnsupportedLanguage,
    VoiceModelMismatch,
    VoiceNotFound,
)
from voice.models import Model, ModelAlias, Voice, VoiceAlias
from voice.requests import SpeechRequest
from voice.text import composed, forbidden_character, normalise, speakable

SPEECH = "speech"
# the kind of such jobs and of what is charged for them


@dataclass(frozen=True, slots=True)
class Chosen:
    """A voice, and the language that it is to speak."""

    voice: Voice
    language: str
    # BCP 47 in lower case


def request_speech(*, owner: User, api_key: ApiKey | None, speech: SpeechRequest, streamed: bool) -> Item:
    """Submit a speech job of one item. Every Refusal for what can't be spoken comes from here, before anything is stored."""
    text = _checked(speech.input)
    chosen = choose_voice(owner=owner, name=speech.voice, language=speech.language)
    model = chosen.voice.model
    _check_model(speech.model, chosen.voice, named=speech.voice)
    if not model.slowest <= speech.speed <= model.fastest:
        raise SpeedOutOfRange(model.name, model.slowest, model.fastest)
    if not model.verbatim:
        text = normalise(text)
        if not speakable(text):
            raise NothingToSpeak
    job = jobs.submit(
        owner=owner,
        api_key=api_key,
        kind=SPEECH,
        orders=[
            jobs.Order(
                actor="speak",
                text=text,
                format=speech.response_format,
                media_type=FORMATS[speech.response_format].media_type,
                voice_id=chosen.voice.pk,
                store=speech.store,
                streamed=streamed,
                options=_configuration(speech, chosen),
            )
        ],
    )
    return job.items.get()


def choose_voice(*, owner: User, name: str, language: str | None) -> Chosen:
    """The voice of that id, name or alias. An alias speaks every language, by whichever stock voice does; a voice only its own."""
    tag = language.lower().replace("_", "-") if language else None
    visible = Voice.objects.visible_to(owner)
    voice = visible.filter(pk=name).first() or visible.filter(name=name).order_by(F("owner").asc(nulls_last=True)).first()
    if voice is not None:
        if tag is not None and not voice.speaks(tag):
            raise UnsupportedLanguage(name, tag) if _default_voice(tag) else UnknownLanguage(tag)
        return Chosen(voice, tag or voice.languages[0])
    alias = VoiceAlias.objects.filter(name=name, voice__in=Voice.objects.stock().usable()).select_related("voice__model").first()
    if alias is None:
        raise VoiceNotFound(name)
    if tag is None or alias.voice.speaks(tag):
        return Chosen(alias.voice, tag or alias.voice.languages[0])
    speaker = _default_voice(tag)
    if speaker is None:
        raise UnknownLanguage(tag)
    return Chosen(speaker, tag)


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
    if len(text) > settings.MAX_INPUT_CHARACTERS:
        raise TextTooLong(len(text), settings.MAX_INPUT_CHARACTERS)
    if not speakable(text):
        raise NothingToSpeak
    return text


def _check_model(name: str, voice: Voice, *, named: str) -> None:
    """The model must exist, and be the voice's unless it stands for any."""
    model = Model.objects.filter(pk=name, enabled=True).first()
    if model is None:
        alias = ModelAlias.objects.filter(pk=name).select_related("model").first()
        if alias is None:
            raise ModelNotFound(name)
        model = alias.model
    if model is not None and model != voice.model:
        raise VoiceModelMismatch(named, name, voice.model.name)


def _configuration(speech: SpeechRequest, chosen: Chosen) -> dict[str, Any]:
    """Everything but the text that the sound depends on, resolved."""
    voice = chosen.voice
    return {
        "engine": voice.model.engine,
        "model": voice.model.name,
        "voice": voice.name,
        "voice_id": voice.pk,
        "voice_version": voice.version,
        "speaker": voice.speaker,
        "language": chosen.language,
        "speed": speech.speed,
        "seed": speech.seed,
        "instructions": speech.instructions,
        "format": speech.response_format,
    }
