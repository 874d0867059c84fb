from __future__ import annotations

from config.errors import Conflict, NotFound, Refusal, Unavailable


class VoiceNotFound(NotFound):
    code = "voice_not_found"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no voice '{name}'. GET /v1/audio/voices lists those that there are.", param="voice")


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
