"""What of an item's text reaches the engine, and in what words."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from accounts.models import Usage, User
from jobs.models import Item, State
from jobs.work import claim
from tests.factories import make_item, tone_options
from voice.catalogue import stock
from voice.engines.base import Pcm, Speaker, Synthesizer, Utterance
from voice.lexicons import delete_lexicon, make_lexicon
from voice.speaking import narrate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]

RATE = 24_000
ENTRIES = [{"word": "SQL", "respelling": "sequel"}, {"word": "tomato", "respelling": "tuhmahto", "ipa": "təˈmɑːtoʊ"}]


class Recorder(Synthesizer):
    """Keeps what it is given, and says a tenth of a second of tone for it."""

    name: ClassVar[str] = "recorder"
    speeds: ClassVar[tuple[float, float]] = (1.0, 1.0)
    verbatim: ClassVar[bool] = False
    phonetic: ClassVar[bool] = False

    def __init__(self) -> None:
        self.given: list[Utterance] = []
        self.rates = 0

    def speakers(self) -> Sequence[Speaker]:
        return [Speaker("recorder", ("en-us",), RATE)]

    def rate(self, utterance: Utterance) -> int:
        self.rates += 1
        return super().rate(utterance)

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]:
        self.given.append(utterance)
        yield np.full(RATE // 10, 8_000, np.int16)

    @property
    def texts(self) -> list[str]:
        return [utterance.text for utterance in self.given]


class PhoneticRecorder(Recorder):
    phonetic: ClassVar[bool] = True


@pytest.fixture(params=[Recorder, PhoneticRecorder])
def recorder(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    made: Recorder = request.param()
    stock().append(made)
    yield made
    stock().remove(made)


def speak(owner: User, text: str, **options: Any) -> Item:
    resolved = tone_options(engine="recorder", speaker="recorder", language="en-us", **options)
    item = make_item(owner, text=text, options=resolved)
    work = claim(item.pk)
    assert work is not None
    with work:
        narrate(work)
    item.refresh_from_db()
    return item


def test_an_engine_is_asked_for_its_rate_once_an_item(alice, recorder):
    speak(alice, "One sentence. Another one. A third.")

    assert len(recorder.given) == 3
    assert recorder.rates == 1


def test_the_engine_is_given_words(alice, recorder):
    text = "It costs $3.50. Dr. Li walks 5 km."

    speak(alice, text, normalize=True, lexicon=None)

    assert recorder.texts == ["It costs three dollars and fifty cents.", "Doctor Li walks five kilometers."]
    assert Usage.objects.get().characters == len(text.replace(". Dr", ".Dr"))


def test_it_is_given_figures_where_that_was_asked_for(alice, recorder):
    speak(alice, "It is 5 km.", normalize=False, lexicon=None)

    assert recorder.texts == ["It is 5 km."]


def test_it_is_given_respellings_or_ipa(alice, recorder):
    version = make_lexicon(owner=alice, name="Mine", language="", entries=ENTRIES)

    speak(alice, "SQL or tomato.", normalize=True, lexicon=version.reference)

    assert recorder.texts == ["sequel or tuhmahto."]
    spelt = [(one.start, one.end, one.ipa) for one in recorder.given[0].pronunciations]
    assert spelt == ([(10, 18, "təˈmɑːtoʊ")] if recorder.phonetic else [])


def test_a_sentence_of_many_figures_is_given_in_pieces(alice, recorder):
    speak(alice, "999999 " * 40, normalize=True, lexicon=None)

    assert len(recorder.texts) > 5
    assert max(map(len, recorder.texts)) <= 300
    assert " ".join(recorder.texts).count("thousand") == 40


def test_an_item_from_before_there_was_a_choice_is_read_in_words(alice, recorder):
    speak(alice, "It is 5 km.")

    assert recorder.texts == ["It is five kilometers."]


def test_a_lexicon_that_went_fails_the_item(alice, recorder):
    version = make_lexicon(owner=alice, name="Mine", language="", entries=ENTRIES)
    delete_lexicon(version.lexicon)

    item = speak(alice, "SQL.", lexicon=version.reference)

    assert (item.state, item.error_code) == (State.FAILED, "lexicon_not_found")
    assert recorder.texts == []
