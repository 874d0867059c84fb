"""IPA, as eSpeak NG is made to speak it."""

from __future__ import annotations

import numpy as np
import pytest

from voice.engines.base import Pcm, Utterance
from voice.engines.espeak import Espeak
from voice.engines.phonemes import Phonemes, PhonemeTables
from voice.text import Pronunciation

US = "espeak-en-us"
SENTENCE = "I say tomato now."
TOMATO = (6, 12)


def say(espeak: Espeak, text: str, speaker: str = US, *, ipa: str = "", at: tuple[int, int] = TOMATO) -> Pcm:
    pronunciations = (Pronunciation(*at, ipa),) if ipa else ()
    return np.concatenate(list(espeak.synthesize(Utterance(text, speaker, "en", pronunciations=pronunciations))))


def names(espeak: Espeak, speaker: str) -> Phonemes:
    say(espeak, "a", speaker, ipa="a", at=(0, 1))
    return espeak._phonemes[speaker]


@pytest.mark.parametrize(
    ("speaker", "ipa", "named"),
    [
        (US, "təˈmɑːtoʊ", "t|@|m|'0|t|oU"),
        (US, "ˈθɪŋ", "T|'I|N"),
        (US, "tʃɜːtʃ", "tS|3:|tS"),
        (US, "ˌbjuːtɪˈfʊl", "b|j|,u:|t|I|f|'U|l"),
        (US, "t͡ʃɪp", "tS|I|p"),
        ("espeak-de", "ʃøːn", "S|Y:|n"),
        ("espeak-de", "ˈbyːçɐ", "b|'y:|C|@"),
        ("espeak-es", "ˈniɲo", "n|'i|n^|o"),
        (US, "ᵻ", "I#"),
    ],
)
def test_sounds_have_names_of_the_voice(espeak: Espeak, speaker: str, ipa: str, named: str):
    assert names(espeak, speaker).named(ipa) == named


def test_a_sound_that_a_language_has_not_is_the_nearest_one(espeak: Espeak):
    assert names(espeak, US).named("ˈʏɸa") == "'U|f|a"


def test_the_sound_is_that_of_the_ipa_and_not_of_the_letters(espeak: Espeak):
    plain = len(say(espeak, SENTENCE))

    longer = len(say(espeak, SENTENCE, ipa="ˈbɑːˈnɑːˈnɑːˈnɑːˈnɑː"))
    same = len(say(espeak, SENTENCE, ipa="təmˈeɪɾoʊ"))

    assert longer > plain * 1.2
    assert same == pytest.approx(plain, rel=0.05)


def test_brackets_in_the_text_name_no_sounds(espeak: Espeak):
    text = "I say [[b'An|n'An|n'An]] now."

    with_ipa = len(say(espeak, text, ipa="aɪ", at=(0, 1)))

    assert with_ipa == pytest.approx(len(say(espeak, text)), rel=0.1)


def test_ipa_without_a_sound_leaves_the_word(espeak: Espeak):
    assert len(say(espeak, SENTENCE, ipa=".")) == pytest.approx(len(say(espeak, SENTENCE)), rel=0.05)


def test_a_table_that_is_not_there_is_the_wider_one(espeak: Espeak):
    tables = PhonemeTables(espeak._data)

    assert tables.sounds("de-xx") == tables.sounds("de")
    assert tables.sounds("qqq") == tables.sounds("base2")


def test_every_voice_reads_ipa(espeak: Espeak):
    poor = [speaker.name for speaker in espeak.speakers() if len(names(espeak, speaker.name).names) < 40]

    assert poor == []
