"""From the text that was sent to the pieces that are spoken."""

from voice.text.characters import composed, forbidden_character, speakable
from voice.text.normalisation import normalise
from voice.text.sentences import Sentence, plan

__all__ = ["Sentence", "composed", "forbidden_character", "normalise", "plan", "speakable"]
