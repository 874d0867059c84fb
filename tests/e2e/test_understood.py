"""A recogniser listens to what the default voice says."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from tests.e2e.system import System

pytestmark = pytest.mark.shapes("deployed")

SENTENCES = {
    "The weather is very nice today.": {"weather", "nice", "today"},
    "Please open the window in the kitchen.": {"open", "window", "kitchen"},
    "My brother works in a large hospital.": {"brother", "works", "hospital"},
    "The train to the city leaves in the morning.": {"train", "city", "morning"},
    "She bought some bread and a bottle of water.": {"bread", "bottle", "water"},
    "Children like to play in the garden.": {"children", "play", "garden"},
    "We will meet again next summer.": {"meet", "again", "summer"},
    "The doctor asked me to drink more water.": {"doctor", "drink", "water"},
    "He is reading a book about history.": {"reading", "book", "history"},
    "The old man walked slowly down the street.": {"old", "man", "street"},
}
RECOGNISER_RATE = 16_000
WANTED = 0.9


def heard(mp3: bytes) -> set[str]:
    """The words that pocketsphinx understands in an MP3."""
    from pocketsphinx import Decoder

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RECOGNISER_RATE)
    with av.open(io.BytesIO(mp3), "r") as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    pcm = np.concatenate([frame.to_ndarray().ravel() for frame in frames])
    decoder = Decoder(samprate=RECOGNISER_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw(pcm.astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    found = decoder.hyp()
    return set(found.hypstr.lower().split()) if found else set()


def test_the_default_voice_is_understood_by_a_recogniser(system: System):
    wanted = understood = 0
    with system.client() as client:
        for sentence, words in SENTENCES.items():
            answer = client.post("/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": sentence})
            wanted += len(words)
            understood += len(words & heard(answer.content))

    assert understood >= WANTED * wanted, f"{understood} of {wanted} key words"


def test_figures_and_the_words_of_a_lexicon_are_understood(system: System):
    entries = [{"word": "H2O", "respelling": "water"}]

    with system.client() as client:
        lexicon = client.post("/v1/lexicons", json={"name": "Chemistry", "entries": entries}).json()["id"]
        body = {"model": "tts-1", "voice": "alloy", "input": "The H2O costs $20 & more in the morning.", "lexicon": lexicon}
        answer = client.post("/v1/audio/speech", json=body)
        client.delete(f"/v1/lexicons/{lexicon}")

    understood = heard(answer.content)
    assert {"water", "twenty", "dollars"} <= understood, understood
