"""How a text will be read, told without speaking it; and how a voice sounds, for staff who are asked about it."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from jobs import services as jobs
from jobs.models import Item
from voice.errors import TextTooLong
from voice.lexicons import dictionary_of
from voice.models import Voice
from voice.requests import PreviewRequest
from voice.services import SPEECH, Casting, Line
from voice.text import Dictionary, Spoken, plan, verbalise

LONGEST = 10_000
"""Characters of a text: it is read while its writer waits."""
PREVIEWED = "mp3"
# which every browser plays while it comes


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


def speak_preview(*, staff: User, voice: Voice, text: str, keep_for: int | None = None) -> Item:
    """Have a voice, whoever's it is, say something for a member of staff, on his own account. Refusals as of `POST /v1/audio/speech`.

    It is kept for so many seconds, and then not made a second time; or not at all.
    """
    casting = Casting(staff)
    casting.give(voice)
    line = Line(text=text, voice=voice.pk, model=None, format=PREVIEWED)
    order = casting.order(line, store=keep_for is not None, expires_after=keep_for)
    about = jobs.About(name=f"Preview of {voice.name}")
    return jobs.submit(owner=staff, api_key=None, kind=SPEECH, orders=[order], about=about).written[0]


def _shown(text: str, spoken: Spoken) -> dict[str, Any]:
    words = [
        {"word": word.text, "start": word.start, "end": word.end, "spoken": spoken.shown(word.spoken_start, word.spoken_end)}
        for word in spoken.words
    ]
    return {"text": text, "spoken": spoken.shown(), "words": words}
