from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from tests.voice.audio.sounds import blocks, ragged
from tests.voice.realtime.sounds import VOICES, after_silence, brown, hum, onset_ms, speech, tone, white
from voice.audio.pcm import silence
from voice.realtime import detector as module
from voice.realtime.detector import FRAME, Detector
from voice.realtime.silero import Silero
from voice.realtime.turns import FRAME_MS, Rules, Started, Stopped, Turns

DETECTOR = str(module.__file__)


def probabilities(pcm, second=None):
    return np.array(Detector(second).push(pcm))


def first_heard_ms(pcm):
    """The end of the first frame that is rather speech than not."""
    heard = probabilities(pcm) >= 0.5
    assert heard.any()
    return (int(heard.argmax()) + 1) * FRAME_MS


@pytest.mark.parametrize("speaker", VOICES)
def test_speech_is_heard_within_100_ms(speaker):
    spoken = after_silence(speech(speaker))

    assert 0 <= first_heard_ms(spoken) - onset_ms(spoken) <= 100


@pytest.mark.parametrize("speaker", VOICES)
def test_speech_over_the_noise_of_a_room_is_heard_within_100_ms(speaker):
    spoken = after_silence(speech(speaker, level=-25))

    heard = first_heard_ms(spoken + white(-45, spoken.size * 1000 // 24_000 + 1)[: spoken.size])

    assert 0 <= heard - onset_ms(spoken) <= 100


@pytest.mark.parametrize("speaker", VOICES)
def test_soft_speech_is_heard_too(speaker):
    spoken = after_silence(speech(speaker, level=-40))

    assert first_heard_ms(spoken) - onset_ms(spoken) <= 300
    assert np.mean(probabilities(spoken) >= 0.5) > 0.3


@pytest.mark.parametrize(
    "sound",
    [
        silence(2000),
        np.full(48_000, 900, np.int16),
        white(-50),
        brown(-50),
        hum(-50),
        tone(440, -50) + white(-75),
        *(tone(hz, level) for hz in (60, 200, 440, 1000, 3500) for level in (-50, -15)),
    ],
)
@pytest.mark.parametrize("quiet_ms", [0, 1500])
def test_what_is_no_speech_stays_under_a_half(sound, quiet_ms):
    assert probabilities(np.concatenate([silence(quiet_ms), sound])).max() < 0.5


@pytest.mark.parametrize("noise", [white(-15, 4000), brown(-30, 4000), hum(-15, 4000)])
def test_a_noise_that_goes_on_becomes_the_room(noise):
    assert probabilities(noise)[-100:].max() < 0.5


def test_a_click_is_over_a_half_for_a_single_frame_at_most():
    click = silence(1000)
    click[12_000:12_100] = 20_000

    assert np.sum(probabilities(click) >= 0.5) <= 1


def test_it_gives_one_number_for_every_20_ms_whatever_the_blocks():
    pcm = after_silence(speech())[: 100 * FRAME + 479]
    whole = probabilities(pcm)

    for parts in (ragged(pcm), blocks(pcm, 480), blocks(pcm, 2399), [*blocks(pcm[:2000], 1), pcm[2000:]]):
        detector = Detector()
        assert np.array_equal([number for part in parts for number in detector.push(part)], whole)
    assert whole.size == 100
    assert whole.min() >= 0
    assert whole.max() <= 1


def test_nothing_or_less_than_a_frame_gives_no_number():
    detector = Detector()

    assert detector.push(silence(0)) == []
    assert detector.push(silence(19)) == []
    assert len(detector.push(silence(1))) == 1


def test_a_single_utterance_is_a_single_turn():
    spoken = after_silence(speech())

    events = Turns(Rules("server_vad")).push(Detector().push(spoken))

    started, stopped = events
    assert isinstance(started, Started)
    assert isinstance(stopped, Stopped)
    assert started.audio_start_ms <= onset_ms(spoken) <= started.audio_start_ms + 400


@pytest.mark.parametrize("second", [None, Silero])
def test_after_a_reset_it_is_as_new(second):
    detector = Detector(second() if second else None)
    spoken = after_silence(speech())[:40_007]
    first = detector.push(spoken)

    detector.reset()

    assert detector.push(spoken) == first


def test_it_stays_small_however_long_the_call():
    minute = np.tile(after_silence(speech()), 10)[: 60 * 24_000]
    detector = Detector()
    tracemalloc.start()

    sizes = []
    for _ in range(3):
        for block in blocks(minute, 2400):
            detector.push(block)
        # its own: other threads of the run take memory too
        own = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, DETECTOR)])
        sizes.append(sum(trace.size for trace in own.traces))
    tracemalloc.stop()

    assert max(sizes) < 20 << 10
    assert sizes[-1] - sizes[0] < 1 << 10


def test_it_keeps_no_more_than_a_part_of_a_frame_of_a_long_block():
    detector = Detector()
    tracemalloc.start()

    detector.push(np.zeros(60 * 24_000 + 1, np.int16))

    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 20 << 10
    assert peak < 8 << 20


@pytest.mark.parametrize("speaker", VOICES)
def test_silero_hears_speech(speaker):
    spoken = after_silence(speech(speaker))

    heard = probabilities(spoken, Silero()) >= 0.5

    assert 0 <= (int(heard.argmax()) + 1) * FRAME_MS - onset_ms(spoken) <= 200
    assert heard.mean() > 0.4


def test_silero_hears_what_is_no_speech_better():
    dial = (tone(770, -20) // 2) + (tone(1336, -20) // 2)
    sounds = [after_silence(sound) for sound in (dial, white(-30), white(-15))]

    assert [probabilities(sound, Silero()).max() < 0.5 for sound in sounds] == [True] * 3
    assert probabilities(sounds[0]).max() > 0.5
    # which is why one may want it
