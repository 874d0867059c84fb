from __future__ import annotations

from collections.abc import Iterable

from accounts.errors import InsufficientQuota
from config.errors import Conflict, Forbidden, NotAuthenticated, NotFound, RateLimited, Refusal, Unavailable


class VoiceNotFound(NotFound):
    code = "voice_not_found"

    def __init__(self, name: str, *, param: str | None = "voice") -> None:
        super().__init__(f"There is no voice '{name}'. GET /v1/audio/voices lists those that there are.", param=param)


class VoiceRevoked(Forbidden):
    code = "voice_revoked"

    def __init__(self, name: str) -> None:
        super().__init__(f"The consent to the voice '{name}' was revoked. Nothing is made with it any more.", param="voice")


class VoiceDisabled(Forbidden):
    code = "voice_disabled"

    def __init__(self, name: str, reason: str = "") -> None:
        why = f"The voice '{name}' is disabled: {reason}" if reason else f"The voice '{name}' is disabled."
        super().__init__(f"{why} Ask the operator, or choose another.", param="voice")


class ModelNotFound(NotFound):
    code = "model_not_found"

    def __init__(self, name: str, *, param: str | None = "model") -> None:
        super().__init__(f"There is no model '{name}'. GET /v1/models lists those that there are.", param=param)


class VoiceModelMismatch(Refusal):
    code = "voice_model_mismatch"

    def __init__(self, voice: str, model: str, right: str) -> None:
        super().__init__(f"The voice '{voice}' is not one of the model '{model}'. Use the model '{right}', or 'tts-1'.", param="voice")


class UnknownLanguage(Refusal):
    code = "unknown_language"

    def __init__(self, language: str) -> None:
        super().__init__(f"No voice here speaks '{language}'. Give a BCP 47 tag such as 'en' or 'pt-br'.", param="language")


class UnsupportedLanguage(Refusal):
    code = "unsupported_language"

    def __init__(self, voice: str, language: str) -> None:
        super().__init__(
            f"The voice '{voice}' does not speak '{language}'. Leave 'language' out, or choose another voice.", param="language"
        )


class SpeedOutOfRange(Refusal):
    code = "out_of_range"

    def __init__(self, model: str, slowest: float, fastest: float) -> None:
        super().__init__(f"The model '{model}' takes a speed from {slowest:g} to {fastest:g}.", param="speed")


class InvalidCharacter(Refusal):
    code = "invalid_character"

    def __init__(self, character: str) -> None:
        super().__init__(f"The text holds {character}, which is not a character that can be spoken or stored.", param="input")


class TextTooLong(Refusal):
    status = 413
    code = "text_too_long"

    def __init__(self, length: int, limit: int) -> None:
        super().__init__(f"The text has {length} characters; at most {limit} are taken at once.", param="input")


class NothingToSpeak(Refusal):
    code = "nothing_to_speak"

    def __init__(self) -> None:
        super().__init__("The text holds no letter and no digit: there is nothing to speak.", param="input")


class TimestampsUnavailable(Refusal):
    code = "timestamps_unavailable"

    def __init__(self, model: str, able: Iterable[str], *, sentences: bool) -> None:
        known = ", ".join(able) or "none here"
        instead = "Use a voice of theirs, or ask for 'sentence' alone." if sentences else "Use a voice of theirs."
        super().__init__(
            f"The model '{model}' does not tell when each word is said; these do: {known}. {instead}", param="timestamp_granularities"
        )


class LexiconNotFound(NotFound):
    code = "lexicon_not_found"

    def __init__(self, reference: str, *, param: str | None = "lexicon") -> None:
        super().__init__(f"There is no lexicon '{reference}'. GET /v1/lexicons lists yours; 'id@2' names a version.", param=param)


class UnreadablePronunciation(Refusal):
    code = "unsupported_pronunciation"

    def __init__(self, word: str, model: str) -> None:
        super().__init__(
            f"The lexicon has only IPA for '{word}', which the model '{model}' can't read. Give it a respelling, or use another model.",
            param="lexicon",
        )


class TooManyLexicons(Conflict):
    code = "too_many_lexicons"

    def __init__(self, most: int) -> None:
        super().__init__(f"You have {most} lexicons, which is as many as there can be. Delete one.")


class TooManyVersions(Conflict):
    code = "too_many_versions"

    def __init__(self, most: int) -> None:
        super().__init__(f"This lexicon has {most} versions, which is as many as there can be. Make a new one of its entries.")


class LexiconInUse(Conflict):
    code = "lexicon_in_use"
    message = "Something that is not yet spoken uses this lexicon. Wait for it, or cancel it."


class EngineMissing(Unavailable):
    code = "engine_unavailable"
    message = "The worker that took this has no such engine."


class ModelInUse(Conflict):
    code = "model_in_use"

    def __init__(self, name: str) -> None:
        super().__init__(f"Users have voices of their own by the model '{name}'. Disable it instead, or delete those first.", param="name")


class ModelExists(Conflict):
    code = "model_exists"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a model '{name}' already. Choose another name, or change that one.", param="name")


class UnsupportedVoiceType(Refusal):
    code = "unsupported_voice_type"

    def __init__(self) -> None:
        super().__init__("Voices are made from a recording here: send type 'audio_sample' with an 'audio_sample'.", param="type")


class CloningUnavailable(Refusal):
    code = "cloning_unavailable"

    def __init__(self, model: str | None) -> None:
        if model is None:
            super().__init__("No model here speaks like a sample. The operator adds one that does.")
        else:
            super().__init__(f"The model '{model}' does not speak like a sample. Leave 'model' out, or name one that does.", param="model")


class ConsentNotFound(NotFound):
    code = "consent_not_found"

    def __init__(self, *, param: str | None = None) -> None:
        super().__init__("There is no such consent. POST /v1/audio/voice_consents makes one.", param=param)


class ConsentNotGiven(Forbidden):
    code = "consent_not_approved"

    def __init__(self, state: str, reason: str) -> None:
        told = {"pending": "It is still to be reviewed.", "refused": f"It was refused: {reason}", "revoked": "It was revoked."}
        super().__init__(f"A voice needs a consent that is approved. {told[state]}", param="consent")


class ConsentLanguage(Refusal):
    code = "unsupported_language"

    def __init__(self, language: str, known: str) -> None:
        super().__init__(f"There is no phrase of consent in '{language}'; there is one in {known}.", param="language")


class NameTaken(Conflict):
    code = "name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a voice called '{name}' already. Choose another name.", param="name")


class TooManyVoices(InsufficientQuota):
    def __init__(self, most: int) -> None:
        super().__init__(f"You have as many voices of your own as your plan allows, {most}. Delete one.")


class TooManySamples(Conflict):
    code = "too_many_samples"

    def __init__(self, most: int) -> None:
        super().__init__(f"A voice has up to {most} samples. Delete one.")


class SampleKnown(Conflict):
    code = "sample_exists"
    message = "The voice has this very sample already."


class LastSample(Conflict):
    code = "last_sample"
    message = "A voice needs a sample. Add another first, or delete the voice."


class SampleNotFound(NotFound):
    code = "sample_not_found"
    message = "The voice has no such sample."


class ConversionUnavailable(Refusal):
    code = "conversion_unavailable"

    def __init__(self, model: str | None) -> None:
        if model is None:
            super().__init__("No model here converts voices. The operator adds one that does.", status=501)
        else:
            super().__init__(f"There is no model '{model}' that converts voices. GET /v1/models lists the tasks of each.", param="model")


class TranscriptionUnavailable(Refusal):
    code = "unsupported_model"

    def __init__(self, model: str, able: Iterable[str], *, translates: bool) -> None:
        known = ", ".join(able) or "none here, until the operator adds one"
        super().__init__(f"The model '{model}' does not {'translate' if translates else 'transcribe'}; these do: {known}.", param="model")


class LanguageNotUnderstood(Refusal):
    code = "unsupported_language"

    def __init__(self, model: str, language: str) -> None:
        super().__init__(f"The model '{model}' does not understand '{language}'. Leave it out, or choose another model.", param="language")


class SpeakersUnknown(Refusal):
    code = "diarization_unavailable"

    def __init__(self, param: str) -> None:
        super().__init__("No model here tells speakers apart. Ask for json, text, srt, vtt or verbose_json, without speakers.", param=param)


class NoSamples(Refusal):
    code = "voice_has_no_samples"

    def __init__(self, name: str) -> None:
        super().__init__(f"'{name}' was not recorded, so nothing can be made to sound like it. Name a voice of your own.", param="voice")


class OutputNotFound(NotFound):
    code = "output_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no output '{name}'. GET /v1/outputs lists yours.", param="source")


class TooManySessions(RateLimited):
    def __init__(self, most: int) -> None:
        super().__init__(f"{most} of your live sessions are open, as many as you may have at a time. End one first.")


class SecretUsed(NotAuthenticated):
    message = "This client secret has begun its session, or came too late for it. Make another one for each session."


class SessionBusy(Conflict):
    code = "session_busy"
    message = "The session's last connection is not known to be gone yet. Try again in a few seconds."


class SessionNotFound(NotFound):
    code = "session_not_found"
    message = "There is no such live session."
