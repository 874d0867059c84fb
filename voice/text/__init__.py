"""From the text that was sent to the pieces that are spoken."""

from voice.text.alignment import Pronunciation, Spoken, Word
from voice.text.characters import composed, forbidden_character, speakable, without_invisible
from voice.text.dictionary import Dictionary, Entry
from voice.text.normalisation import normalise
from voice.text.sentences import Sentence, plan
from voice.text.verbalisation import verbalise

__all__ = [
    "Dictionary",
    "Entry",
    "Pronunciation",
    "Sentence",
    "Spoken",
    "Word",
    "composed",
    "forbidden_character",
    "normalise",
    "plan",
    "speakable",
    "verbalise",
    "without_invisible",
]
