from __future__ import annotations

import pytest

from voice.errors import ConsentLanguage
from voice.phrases import PHRASES, is_read, phrase_in

ENGLISH = PHRASES["en"]


@pytest.mark.parametrize(("language", "phrase"), [("en", "en"), ("EN-us", "en"), ("de_AT", "de"), ("fr-CA", "fr"), ("es-419", "es")])
def test_a_phrase_is_found_by_any_tag_of_its_language(language, phrase):
    assert phrase_in(language) == PHRASES[phrase]


def test_the_most_exact_phrase_is_taken(settings):
    settings.CONSENT_PHRASES = {"de-AT": "I bin da Eigentümer.", "en": "Mine."}

    assert [phrase_in("de-at"), phrase_in("de"), phrase_in("en-gb")] == ["I bin da Eigentümer.", PHRASES["de"], "Mine."]


def test_a_language_without_a_phrase_is_refused():
    with pytest.raises(ConsentLanguage) as refused:
        phrase_in("tlh")

    assert "de, en, es, fr" in refused.value.message


@pytest.mark.parametrize(
    "heard",
    [
        ENGLISH,
        ENGLISH.upper().replace(".", "!"),
        "i am the owner of this voice and i can sent to this service using this voice to create a synthetic voice motel",
    ],
)
def test_the_phrase_is_known_though_words_are_misheard(heard):
    assert is_read(ENGLISH, heard)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "i am the owner of this voice",
        "i am the owner of this voice and i do not consent to anything at all",
        "i am the owner of this voice and i do not consent to this service using this voice to create a synthetic voice model",
        "i am the owner of this voice and i don’t consent to this service using this voice to create a synthetic voice model",
        "i am the owner of this voice and i can't consent to this service using this voice to create a synthetic voice model",
        PHRASES["de"],
        f"{ENGLISH} {ENGLISH}",
    ],
)
def test_anything_else_is_not_the_phrase(heard):
    assert not is_read(ENGLISH, heard)
