"""What a recogniser makes of consents that are read aloud, and what is made of that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from jobs.work import Stopped
from tests.voice.recordings import recording, spoken
from tests.voice.test_consents_api import send
from voice.audio.encode import SAMPLE_BYTES
from voice.ears.base import Wanted
from voice.ears.sphinx import Sphinx
from voice.engines.base import Pcm
from voice.phrases import PHRASES, is_read

WAV_HEADER = 44
ENGLISH = PHRASES["en"]
OTHER = "The weather is very nice today, is it not? We will meet again next summer, when the children play in the garden."


def samples(data: bytes) -> Pcm:
    return np.frombuffer(data[WAV_HEADER : len(data) - len(data) % SAMPLE_BYTES], "<i2")


def words(pcm: Pcm, check: Callable[[], None] = lambda: None) -> str:
    return " ".join(segment.text for segment in Sphinx().transcribe(pcm, Wanted(), check=check).segments)


@pytest.mark.parametrize("speaker", ["slt", "rms", "awb"])
def test_the_phrase_is_recognised(speaker):
    heard = words(samples(spoken(ENGLISH, speaker)))

    assert is_read(ENGLISH, heard), heard


def test_another_sentence_is_told_from_it():
    heard = words(samples(spoken(OTHER)))

    assert {"weather", "summer", "garden"} <= set(heard.split())
    assert not is_read(ENGLISH, heard)


def test_it_stops_when_nobody_wants_the_words_any_more():
    def stop() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        words(np.tile(samples(spoken(OTHER)), 8), stop)


@pytest.mark.parametrize(
    ("text", "language", "state"), [(ENGLISH, "en-GB", "approved"), (OTHER, "en", "refused"), (ENGLISH, "de", "pending")]
)
@pytest.mark.django_db(transaction=True)
def test_what_is_heard_decides_where_nobody_reviews(alice, client_of, worker, settings, text, language, state):
    settings.CONSENT_TRANSCRIBER = "pocketsphinx"

    told = send(client_of(alice), recording=recording(text), language=language).json()

    assert told["state"] == state
    assert ("weather" in told["reason"]) == (state == "refused")
    assert bool(told["transcript"]) == (language != "de")


@pytest.mark.django_db(transaction=True)
def test_staff_are_shown_what_was_heard_and_decide(alice, client_of, worker, settings):
    settings.CONSENT_TRANSCRIBER, settings.CONSENT_REVIEW = "pocketsphinx", "staff"

    told = send(client_of(alice)).json()

    assert (told["state"], "voice" in told["transcript"]) == ("pending", True)
