"""How a text will be read, told without speaking it."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from voice.errors import TextTooLong
from voice.lexicons import dictionary_of
from voice.requests import PreviewRequest
from voice.services import Casting, Line
from voice.text import Dictionary, Spoken, plan, verbalise

LONGEST = 10_000
"""Characters of a text: it is read while its writer waits."""


def preview(*, owner: User, asked: PreviewRequest) -> dict[str, Any]:
    """The sentences of a text as they will be given to the voice's engine. Refuses what `POST /v1/audio/speech` would."""
    if len(asked.input) > LONGEST:
        raise TextTooLong(len(asked.input), LONGEST)
    line = Line(
        text=asked.input,
        voice=asked.voice,
        model=None,
        format="pcm",
        language=asked.language,
        normalize=asked.normalize,
        lexicon=asked.lexicon,
    )
    script = Casting(owner).script(line)
    language, model = script.chosen.language, script.chosen.voice.model
    reference = script.options["lexicon"]
    words = dictionary_of(reference) if reference else Dictionary()
    sentences = [script.text] if model.verbatim else [sentence.text for sentence in plan(script.text, language)]
    return {
        "object": "audio.speech.preview",
        "language": language,
        "lexicon": reference,
        "sentences": [
            _shown(text, verbalise(text, language, dictionary=words, phonetic=model.phonetic, normalize=script.options["normalize"]))
            for text in sentences
        ],
        "characters": len(script.text),
    }


def _shown(text: str, spoken: Spoken) -> dict[str, Any]:
    words = [
        {"word": word.text, "start": word.start, "end": word.end, "spoken": spoken.shown(word.spoken_start, word.spoken_end)}
        for word in spoken.words
    ]
    return {"text": text, "spoken": spoken.shown(), "words": words}
