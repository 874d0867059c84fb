from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.voice.audio.sounds import blocks, noise, ragged, sine
from voice.audio.pcm import (
    CLAUSE_PAUSE_MS,
    FADE_MS,
    LEAD_MS,
    PARAGRAPH_PAUSE_MS,
    SENTENCE_PAUSE_MS,
    TAIL_MS,
    THRESHOLD,
    Joiner,
    samples,
    silence,
)


def joined(sentences, *, pauses=None, cut=lambda pcm: [pcm]):
    joiner = Joiner()
    out = []
    for sentence, pause in zip(sentences, pauses or [SENTENCE_PAUSE_MS] * len(sentences), strict=True):
        out += [joiner.push(block) for block in cut(sentence)]
        out.append(joiner.end(pause))
    return np.concatenate(out)


def padded(pcm, before=400, after=700):
    return np.concatenate([silence(before), pcm, silence(after)])


def hum(ms=300):
    return sine(ms, 200)


def stretches_of_silence(pcm):
    """Lengths in ms of the runs of at least 20 ms under the threshold."""
    loud = np.flatnonzero(np.abs(pcm.astype(int)) > THRESHOLD)
    gaps = np.diff(loud) - 1
    return [1000 * gap / 24_000 for gap in gaps if gap >= samples(20)]


def test_silence_at_both_edges_is_trimmed():
    out = joined([padded(hum(300))])

    assert out.size == pytest.approx(samples(LEAD_MS + 300 + TAIL_MS), abs=samples(1))


@pytest.mark.parametrize("pause", [CLAUSE_PAUSE_MS, SENTENCE_PAUSE_MS, PARAGRAPH_PAUSE_MS, 0])
def test_the_pause_has_the_length_asked_for(pause):
    out = joined([padded(hum()), padded(hum())], pauses=[pause, 0])

    assert stretches_of_silence(out) == [pytest.approx(TAIL_MS + pause + LEAD_MS, abs=3)]


def test_no_pause_follows_the_last_sentence():
    assert joined([padded(hum())], pauses=[5000]).size < samples(400)


def test_a_pause_inside_a_sentence_is_kept():
    sentence = np.concatenate([hum(), silence(350), hum()])

    assert stretches_of_silence(joined([sentence])) == [pytest.approx(350, abs=3)]


def test_seams_do_not_click():
    loud = np.full(samples(200), 20_000, np.int16)

    out = joined([loud, -loud, loud], pauses=[0, 30, 0])

    assert np.abs(np.diff(out.astype(int))).max() <= 2 * 20_000 / samples(FADE_MS)
    assert abs(int(out[0])) <= 20_000 / samples(FADE_MS)
    assert abs(int(out[-1])) <= 20_000 / samples(FADE_MS)


def test_the_middle_of_a_sentence_is_left_as_it_is():
    sentence = noise(500)

    out = joined([sentence])

    edge = samples(FADE_MS)
    assert out.size == sentence.size
    assert np.array_equal(out[edge:-edge], sentence[edge:-edge])


@pytest.mark.parametrize("cut", [ragged, lambda pcm: blocks(pcm, 1), lambda pcm: blocks(pcm, 97)], ids=["ragged", "single", "97"])
def test_the_samples_do_not_depend_on_the_blocks(cut):
    sentences = [padded(noise(60), 30, 50), np.concatenate([hum(50), silence(40), noise(1), silence(9)]), padded(hum(40), 3, 1)]

    assert np.array_equal(joined(sentences, cut=cut), joined(sentences))


def test_it_withholds_no_more_than_the_fade_while_there_is_sound():
    joiner = Joiner()
    speech = np.full(samples(1000), 9000, np.int16)

    fed = came = 0
    for block in blocks(speech, samples(1)):
        fed += block.size
        came += joiner.push(block).size
        assert fed - came <= samples(FADE_MS)


def test_silence_is_withheld_only_until_sound_returns():
    joiner = Joiner()
    first = joiner.push(np.full(samples(100), 9000, np.int16))

    quiet = joiner.push(silence(400))
    again = joiner.push(np.full(samples(100), 9000, np.int16))

    assert quiet.size == 0
    assert first.size + again.size == samples(600 - FADE_MS)


def test_leading_silence_takes_no_memory():
    joiner = Joiner()

    for _ in range(100):
        assert joiner.push(silence(100)).size == 0

    assert sum(block.size for block in joiner._held) == samples(LEAD_MS)


def test_a_silent_sentence_leaves_one_pause_and_no_sound():
    out = joined([padded(hum()), silence(900), padded(hum())], pauses=[100, 300, 0])

    assert stretches_of_silence(out) == [pytest.approx(TAIL_MS + 300 + LEAD_MS, abs=3)]


def test_nothing_but_silence_gives_nothing():
    assert joined([silence(500), silence(0), np.full(400, THRESHOLD, np.int16)]).size == 0


@pytest.mark.parametrize("size", [1, 2, 50, 119, 120, 121, 200])
def test_a_sound_shorter_than_the_fades_survives(size):
    out = joined([np.full(size, 30_000, np.int16)])

    assert out.size == size
    assert (out >= 0).all()


def test_the_extremes_of_a_sample_do_not_wrap():
    extremes = np.tile(np.array([-32768] * 30 + [32767] * 30, np.int16), 100)

    out = joined([extremes])

    assert out.min() == -32768
    assert out.max() == 32767
    assert (np.sign(out.astype(int)) * np.sign(extremes.astype(int)) >= 0).all()


def test_the_block_that_came_in_is_not_written_to():
    block = np.full(500, 5000, np.int16)
    block.flags.writeable = False

    joined([block])

    assert (block == 5000).all()


@pytest.mark.parametrize("size", [100, 1_000, 100_000])
def test_it_tells_where_each_sentence_lies(size):
    joiner = Joiner()
    sentences = [padded(hum(300), before=before, after=700) for before in (400, 0, 5)]
    out, places = [], []
    for sentence in sentences:
        out += [joiner.push(block) for block in blocks(sentence, size)]
        out.append(joiner.end())
        places.append(joiner.place)
    pcm = np.concatenate(out)

    for place, before in zip(places, (400, 0, 5), strict=True):
        begun, ended = (round(24_000 * place.seconds(moment)) for moment in (before / 1000, (before + 300) / 1000))
        sounding = np.abs(pcm[begun:ended].astype(int)) > THRESHOLD
        assert sounding[:50].any()
        assert sounding[-200:].any()
        assert (np.abs(pcm[ended : place.end].astype(int)) <= THRESHOLD).all()
        lead = min(LEAD_MS, before)
        assert place.end - place.start == pytest.approx(samples(lead + 300 + TAIL_MS), abs=samples(1))
    assert places[-1].end == pcm.size
    assert [after.start - earlier.end for earlier, after in itertools.pairwise(places)] == [samples(SENTENCE_PAUSE_MS)] * 2


def test_what_was_trimmed_is_told_as_the_edge_beside_it():
    joiner = Joiner()
    joiner.push(padded(hum(300)))
    joiner.end()

    place = joiner.place

    assert (place.seconds(0.0), place.seconds(9.0)) == (place.start / 24_000, place.end / 24_000)


def test_a_sentence_that_never_sounded_has_no_length():
    joiner = Joiner()
    joiner.push(padded(hum(300)))
    joiner.end()
    end = joiner.place.end
    joiner.push(silence(500))
    joiner.end()

    assert (joiner.place.start, joiner.place.end) == (end, end)
