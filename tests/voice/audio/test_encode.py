from __future__ import annotations

import gc
import io
import wave
import weakref

import numpy as np
import pytest

from tests.voice.audio.sounds import blocks, decode, noise, pitch, ragged, sine
from voice.audio.encode import WAV_HEADER_BYTES, Encoder, exact_wav_header
from voice.audio.formats import FORMATS
from voice.audio.pcm import RATE

COMPRESSED = ["mp3", "opus", "aac", "flac"]
LONGEST_EXTRA_MS = 90
# what an MP3 or ADTS stream adds: the codec's delay at the front and a filled last frame


def encoded(name, parts):
    encoder = Encoder(name)
    return b"".join([*(encoder.encode(part) for part in parts), encoder.finish()])


def heard(name, data):
    if name == "pcm":
        return np.frombuffer(data, "<i2") / 32768, RATE
    return decode(data)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
    ],
)
def test_every_format_has_its_media_type(name, media_type):
    assert FORMATS[name].media_type == media_type
    assert FORMATS[name].name == name


@pytest.mark.parametrize("name", FORMATS)
def test_it_decodes_back_to_the_same_sound(name):
    tone = sine(1500, 440)

    samples, rate = heard(name, encoded(name, blocks(tone, 480)))

    assert rate == (48_000 if name == "opus" else RATE)
    assert 0 <= 1000 * samples.size / rate - 1500 <= (LONGEST_EXTRA_MS if name in {"mp3", "aac"} else 0)
    assert pitch(samples, rate) == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(10_000 / 32768, rel=0.1)


@pytest.mark.parametrize("name", FORMATS)
def test_it_correlates_with_what_went_in(name):
    burst = (noise(900, spread=6000) * np.hanning(round(0.9 * RATE))).astype(np.int16)
    low = np.convolve(burst, np.hanning(24), "same").clip(-32768, 32767).astype(np.int16)

    samples, rate = heard(name, encoded(name, [low]))

    samples = samples[:: rate // RATE]
    lag = np.correlate(samples, low[5000:10_000] / 32768, "valid").argmax()
    assert np.corrcoef(samples[lag : lag + 5000], low[5000:10_000])[0, 1] > 0.8


@pytest.mark.parametrize(
    ("name", "ms"),
    [("mp3", 48), ("opus", 20), ("aac", 86), ("flac", 24), ("wav", 1), ("pcm", 1)],
)
def test_the_first_bytes_come_early(name, ms):
    encoder = Encoder(name)
    fed = 0

    for block in blocks(sine(500), RATE // 1000):
        fed += 1
        if encoder.encode(block):
            break

    assert fed <= ms
    encoder.close()


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_keep_coming_while_sound_goes_in(name):
    encoder = Encoder(name)

    longest = 0
    silent = 0
    for block in blocks(noise(1500), RATE // 100):
        silent = 0 if encoder.encode(block) else silent + 10
        longest = max(longest, silent)

    assert longest <= 90
    encoder.close()


@pytest.mark.parametrize("name", FORMATS)
def test_the_bytes_do_not_depend_on_how_the_sound_is_cut(name):
    sound = np.concatenate([sine(400), noise(433), np.zeros(777, np.int16)])

    whole = encoded(name, [sound])

    assert encoded(name, [sound]) == whole
    assert encoded(name, ragged(sound)) == whole
    assert encoded(name, blocks(sound, 7)) == whole
    assert encoded(name, [sound[:0], sound, sound[:0]]) == whole


@pytest.mark.parametrize(
    "sound",
    [
        noise(500),
        np.zeros(9000, np.int16),
        np.full(9000, -32768, np.int16),
        np.tile(np.array([32767, -32768], np.int16), 6000),
        sine(700, 60, peak=32767),
        np.ones(1, np.int16),
    ],
    ids=["noise", "zeros", "lowest", "square", "loud sine", "one sample"],
)
@pytest.mark.parametrize("name", ["flac", "wav"])
def test_lossless_formats_lose_nothing(name, sound):
    samples, _ = decode(encoded(name, ragged(sound)))

    assert np.array_equal(np.rint(samples * 32768), sound)


@pytest.mark.parametrize("name", COMPRESSED)
def test_the_loudest_sound_stays_in_range(name):
    samples, _ = decode(encoded(name, [np.tile(np.repeat(np.array([32767, -32768], np.int16), 40), 300)]))

    assert np.isfinite(samples).all()
    assert np.abs(samples).max() > 0.9


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_without_a_sample_ends_well(name):
    with Encoder(name) as encoder:
        data = encoder.finish()

    assert len(data) == (WAV_HEADER_BYTES if name == "wav" else 0)


@pytest.mark.parametrize("name", FORMATS)
def test_it_can_be_left_unfinished_and_is_freed(name):
    encoder = Encoder(name)
    encoder.encode(noise(300))
    work = weakref.ref(encoder._work)

    encoder.close()
    encoder.close()
    gc.collect()

    assert work() is None


@pytest.mark.parametrize("name", FORMATS)
def test_it_refuses_sound_after_its_end(name):
    encoder = Encoder(name)
    encoder.finish()

    with pytest.raises(ValueError, match="over"):
        encoder.encode(sine(20))
    with pytest.raises(ValueError, match="over"):
        encoder.finish()


def test_it_knows_no_other_format():
    with pytest.raises(KeyError):
        Encoder("ogg-vorbis")


def test_a_stored_wav_has_the_true_sizes():
    sound = sine(321)
    streamed = encoded("wav", ragged(sound))

    stored = exact_wav_header(sound.nbytes) + streamed[WAV_HEADER_BYTES:]

    assert len(stored) == len(streamed) == WAV_HEADER_BYTES + sound.nbytes
    with wave.open(io.BytesIO(stored)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE)
        assert file.getnframes() == sound.size
        assert file.readframes(sound.size) == sound.tobytes()


def test_only_the_sizes_differ_between_a_streamed_and_a_stored_wav():
    streamed = encoded("wav", [])
    stored = exact_wav_header(0)

    assert streamed[:4] + streamed[8:40] == stored[:4] + stored[8:40]
    assert streamed[4:8] == streamed[40:44] == b"\xff\xff\xff\xff"


def test_two_streams_at_once_do_not_mix():
    one, other = sine(600, 440), sine(600, 880)
    first, second = Encoder("flac"), Encoder("flac")

    pairs = [(first.encode(a), second.encode(b)) for a, b in zip(blocks(one, 500), blocks(other, 500), strict=True)]

    assert b"".join([*(a for a, _ in pairs), first.finish()]) == encoded("flac", [one])
    assert b"".join([*(b for _, b in pairs), second.finish()]) == encoded("flac", [other])
