from __future__ import annotations

import pytest

from tests.factories import make_voice
from voice.catalogue import synchronise
from voice.models import Model, Voice, VoiceAlias, widened
from voice.services import choose_voice

pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.mark.parametrize(
    "name", ["alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse", "marin", "cedar"]
)
def test_every_name_of_openai_stands_for_a_voice_that_speaks_english(alice, name):
    chosen = choose_voice(owner=alice, name=name, language=None)

    assert chosen.voice.model_id == "flite"
    assert chosen.language.startswith("en")


@pytest.mark.parametrize(
    ("language", "voice"), [("de", "espeak-de"), ("fr-FR", "espeak-fr-fr"), ("DE", "espeak-de"), ("de_AT", "espeak-de"), ("en-gb", "slt")]
)
def test_an_alias_speaks_whatever_language_is_asked_for(alice, language, voice):
    chosen = choose_voice(owner=alice, name="alloy", language=language)

    assert chosen.voice.name == voice
    assert chosen.language == language.lower().replace("_", "-")


def test_staff_may_let_an_alias_stand_for_another_voice(alice):
    VoiceAlias.objects.filter(name="alloy").update(voice=Voice.objects.get(name="kal"), automatic=False)

    synchronise()

    assert choose_voice(owner=alice, name="alloy", language=None).voice.name == "kal"


def test_an_alias_that_nobody_chose_follows_the_product(alice):
    VoiceAlias.objects.filter(name="alloy").update(voice=Voice.objects.get(name="tone"))

    synchronise()

    assert choose_voice(owner=alice, name="alloy", language=None).voice.name == "slt"


def test_without_flite_the_names_stand_for_espeak(alice):
    Model.objects.filter(name="flite").update(enabled=False)

    synchronise()

    assert choose_voice(owner=alice, name="alloy", language=None).voice.name == "espeak-en-us"


def test_your_own_voice_is_found_by_id_and_by_name(alice):
    voice = make_voice(owner=alice)

    assert choose_voice(owner=alice, name=voice.pk, language=None).voice == voice
    assert choose_voice(owner=alice, name="anna", language=None).voice == voice


def test_the_tone_reads_any_language(alice):
    assert choose_voice(owner=alice, name="tone", language="zh-hant").voice.name == "tone"


def test_synchronising_twice_changes_nothing(alice):
    before = list(Voice.objects.order_by("pk").values())

    synchronise()

    assert list(Voice.objects.order_by("pk").values()) == before


def test_a_tag_is_widened_part_by_part():
    assert widened("zh-hant-tw") == ["zh-hant-tw", "zh-hant", "zh"]
