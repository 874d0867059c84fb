"""The languages that are read with full care."""

from __future__ import annotations

from dataclasses import replace

from voice.text.languages import de, en, es, fr, it, nl, pl, pt
from voice.text.languages.words import Words

_LANGUAGES = {
    "de": de.WORDS,
    "en": en.WORDS,
    "es": es.WORDS,
    "fr": fr.WORDS,
    "it": it.WORDS,
    "nl": nl.WORDS,
    "pl": pl.WORDS,
    "pt": pt.WORDS,
}
_REGIONS = {
    "en-gb": replace(en.WORDS, date=en.BRITISH_DATE),
    "pt-br": replace(pt.WORDS, numbers="pt_BR", currencies=pt.BRAZILIAN_CURRENCIES),
    "fr-be": replace(fr.WORDS, numbers="fr_BE"),
    "fr-ch": replace(fr.WORDS, numbers="fr_CH"),
}


def words_of(tag: str) -> Words | None:
    """Those of a BCP 47 tag in lower case; None for a language that is not among them."""
    region = "-".join(tag.split("-")[:2])
    return _REGIONS.get(region) or _LANGUAGES.get(tag.partition("-")[0])
