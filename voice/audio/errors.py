"""What is said to whoever sent audio that can't be used. The field that it came in is named by whoever knows it."""

from __future__ import annotations

from config.errors import InternalError, Refusal, TooLarge

FILE = "file"


class AudioRefusal(Refusal):
    """Of a file, not of the request around it."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, param=FILE)


class UploadTooLarge(TooLarge):
    code = "upload_too_large"

    def __init__(self, message: str) -> None:
        super().__init__(message, param=FILE)


class EmptyFile(AudioRefusal):
    code = "empty_file"
    message = "The file is empty."


class AudioUnreadable(AudioRefusal):
    code = "audio_unreadable"
    message = "The file can't be decoded: it is damaged, cut off or holds no audio. Export it again, as WAV if you can."


class AudioFormatUnsupported(AudioRefusal):
    status = 415
    code = "audio_format_unsupported"
    message = (
        "The file is none of WAV (PCM), MP3, FLAC, Ogg (Opus or Vorbis), M4A, WebM and AAC, with up to 8 channels at 8 to 192 kHz. "
        "Its name does not matter, its content does."
    )


class AudioTooLong(AudioRefusal):
    status = 413
    code = "audio_too_long"

    def __init__(self, longest: float) -> None:
        super().__init__(f"The audio is longer than {longest:g} seconds. Cut it.")


class AudioTooShort(AudioRefusal):
    code = "audio_too_short"

    def __init__(self, seconds: float, shortest: float) -> None:
        super().__init__(f"The audio is {seconds:.2f} seconds long; at least {shortest:g} are needed.")


class AudioSilent(AudioRefusal):
    code = "audio_silent"
    message = "The audio is silent. Check the microphone, and that the right track was exported."


class DecoderFailed(InternalError):
    code = "decoder_failed"
    message = "The worker can't decode audio now."
    transient = True
