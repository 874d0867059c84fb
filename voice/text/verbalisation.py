"""A sentence as a voice is to read it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from voice.text.alignment import Spoken, aligned
from voice.text.dictionary import Dictionary
from voice.text.languages import words_of
from voice.text.reading import plainly
from voice.text.reading.addresses import Addresses
from voice.text.reading.amounts import Amounts
from voice.text.reading.figures import Figures
from voice.text.reading.moments import Moments
from voice.text.reading.rules import Part, Rule, apply
from voice.text.reading.signs import Signs, silent_rules

_NO_ENTRIES = Dictionary()
LANGUAGES_KEPT = 64


def verbalise(
    sentence: str, language: str, *, dictionary: Dictionary = _NO_ENTRIES, phonetic: bool = False, normalize: bool = True
) -> Spoken:
    """How a sentence is read in a language (BCP 47, lower case).

    The dictionary comes first: what it has is read by no rule. With `phonetic` an entry's IPA is used, without it only its
    respelling. Without `normalize` figures and signs are left as they are. Takes time linear in the length of the sentence.
    """
    parts = [
        Part(start, end, entry.respelling or sentence[start:end], entry.ipa if phonetic else "")
        for start, end, entry in dictionary.find(sentence)
        if entry.respelling or phonetic
    ]
    if normalize:
        parts = apply(_rules(language), sentence, parts)
    return aligned(sentence, parts)


@lru_cache(maxsize=LANGUAGES_KEPT)
def _rules(language: str) -> Sequence[Rule]:
    words = words_of(language)
    if words is None:
        return [*silent_rules(), *plainly.rules(language)]
    figures, signs = Figures(language, words), Signs(words)
    addresses = Addresses(figures)
    return [
        *silent_rules(),
        *addresses.rules(),
        *Moments(figures, month_first=language in {"en", "en-us"}).rules(),
        *addresses.telephone_rules(),
        *figures.ordinal_rules(),
        *Amounts(figures).rules(),
        figures.range_rule(),
        *signs.first_rules(),
        *figures.rules(),
        *signs.last_rules(),
    ]
