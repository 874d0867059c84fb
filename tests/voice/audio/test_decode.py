"""Files that people send, to samples: what is good comes out as it went in, what is bad is refused, and harms nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from config.errors import Refusal
from tests.voice.audio.files import M4A, WEBM, encoded, muxed, opened, wav, with_id3, zipped
from tests.voice.audio.sounds import noise, pitch, sine
from voice.audio import decode as decoding
from voice.audio import decoder
from voice.audio.containers import container_of
from voice.audio.decode import decode
from voice.audio.errors import DecoderFailed
from voice.audio.pcm import RATE

MS = 2000
TONE = sine(MS)
AT_8, AT_44, AT_48, AT_192 = (sine(MS, rate=rate) for rate in (8_000, 44_100, 48_000, 192_000))
RANDOM = np.random.default_rng(5)
LONG = 1500
# seconds
REFUSALS = {"audio_unreadable", "audio_format_unsupported", "audio_too_long", "audio_silent"}


def heard(data: bytes, *, longest: float = 30, **limits):
    """What comes of a file as it is sent."""
    with opened(data) as file:
        container = container_of(file)
        assert container is not None
        return decode(file, container, longest=longest, **limits)


def refusal(data: bytes, **limits) -> Refusal:
    with pytest.raises(Refusal) as caught:
        heard(data, **limits)
    assert caught.value.param == "file"
    return caught.value


GOOD = {
    "wav": encoded(TONE, "wav"),
    "wav of 8 bits": muxed(AT_8, "wav", "pcm_u8", 8_000),
    "wav of 24 bits": muxed(AT_44, "wav", "pcm_s24le", 44_100),
    "wav of floats": muxed(AT_44, "wav", "pcm_f32le", 44_100),
    "wav of long floats": muxed(AT_44, "wav", "pcm_f64le", 44_100),
    "wav of A-law": muxed(AT_8, "wav", "pcm_alaw", 8_000),
    "wav, 8 channels": muxed(AT_48, "wav", "pcm_s16le", 48_000, layout="7.1"),
    "wav at 192 kHz": muxed(AT_192, "wav", "pcm_s16le", 192_000),
    "mp3": encoded(TONE, "mp3"),
    "mp3, stereo": muxed(AT_44, "mp3", "libmp3lame", 44_100, layout="stereo"),
    "mp3 behind a picture": with_id3(encoded(TONE, "mp3"), b"APIC" + bytes(1_000_000)),
    "flac": encoded(TONE, "flac"),
    "flac, 6 channels": muxed(AT_48, "flac", "flac", 48_000, layout="5.1"),
    "ogg": encoded(TONE, "opus"),
    "aac": encoded(TONE, "aac"),
    "m4a": muxed(AT_44, *M4A),
    "m4a, its index in front": muxed(AT_44, *M4A, options={"movflags": "faststart"}),
    "m4a, lossless": muxed(AT_44, "ipod", "alac", 44_100),
    "webm": muxed(AT_48, *WEBM),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_tone_comes_out_as_it_went_in(name):
    pcm = heard(GOOD[name])

    assert pcm.dtype == np.int16
    assert pcm.size / RATE == pytest.approx(MS / 1000, abs=0.1)
    middle = pcm[pcm.size // 4 : -pcm.size // 4]
    assert pitch(middle) == pytest.approx(440, abs=2)
    assert np.sqrt((middle.astype(float) ** 2).mean()) == pytest.approx(10_000 / np.sqrt(2), rel=0.1)


def test_the_channels_are_mixed():
    both = np.stack([sine(500, 300), sine(500, 700)], axis=1).astype("<i2")

    spectrum = np.abs(np.fft.rfft(heard(wav(both.tobytes(), channels=2))))

    assert sorted(np.argsort(spectrum)[-2:] * 2) == [300, 700]


def outcome(data: bytes) -> float | str:
    """Seconds that are heard, or the code of the refusal."""
    try:
        return float(heard(data).size / RATE)
    except Refusal as refused:
        return refused.code


@pytest.mark.parametrize("name", [name for name in GOOD if name != "mp3 behind a picture"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.1])
def test_a_file_that_was_cut_off_is_taken_as_far_as_it_goes_or_refused(name, share):
    data = GOOD[name]

    came = outcome(data[: int(len(data) * share)])

    assert came in {"audio_unreadable", "audio_silent"} if isinstance(came, str) else came <= MS / 1000 * share + 0.1


def floats(*values, form="<f4"):
    samples = np.concatenate([AT_44[:20_000] / 32_768, values, AT_44[:100] / 32_768]).astype(form)
    return wav(samples.tobytes(), rate=44_100, tag=3, bits=32 if form == "<f4" else 64)


BAD = {
    "a header only": (wav(b""), "audio_unreadable"),
    "a rate of nothing": (wav(TONE.tobytes(), rate=0), "audio_unreadable"),
    "4 GHz": (wav(TONE.tobytes(), rate=4_000_000_000), "audio_unreadable"),
    "1 Hz": (wav(TONE.tobytes(), rate=1), "audio_format_unsupported"),
    "7,999 Hz": (wav(TONE.tobytes(), rate=7_999), "audio_format_unsupported"),
    "192,001 Hz": (wav(TONE.tobytes(), rate=192_001), "audio_format_unsupported"),
    "no channel": (wav(TONE.tobytes(), channels=0), "audio_format_unsupported"),
    "9 channels": (wav(TONE.tobytes(), channels=9), "audio_format_unsupported"),
    "65,535 channels": (wav(TONE.tobytes(), channels=65_535), "audio_format_unsupported"),
    "0 bits": (wav(TONE.tobytes(), bits=0), "audio_unreadable"),
    "64 bits of whole numbers": (wav(TONE.tobytes(), bits=64), "audio_format_unsupported"),
    "an unknown codec": (wav(TONE.tobytes(), tag=0x9999), "audio_unreadable"),
    "ADPCM": (wav(TONE.tobytes(), tag=2, bits=4), "audio_format_unsupported"),
    "GSM": (wav(TONE.tobytes(), tag=0x31), "audio_format_unsupported"),
    "NaN": (floats(np.nan), "audio_unreadable"),
    "infinity": (floats(np.inf), "audio_unreadable"),
    "infinities that cancel out": (floats(np.inf, -np.inf, form="<f8"), "audio_unreadable"),
    "a chunk that says it has 2 GiB": (wav(TONE.tobytes(), extra=b"LIST\xff\xff\xff\x7f"), "audio_unreadable"),
    "silence": (wav(bytes(RATE * 4)), "audio_silent"),
    "a steady voltage": (wav(np.full(RATE, 8_000, "<i2").tobytes()), "audio_silent"),
    "channels that cancel out": (wav(np.stack([TONE, -TONE], axis=1).astype("<i2").tobytes(), channels=2), "audio_silent"),
    "garbage in Ogg": (b"OggS\0" + RANDOM.bytes(100_000), "audio_unreadable"),
    "garbage in MP3": (b"\xff\xfb\x90\x64" + RANDOM.bytes(100_000), "audio_unreadable"),
    "garbage in MP4": (b"\0\0\0\x20ftypM4A " + RANDOM.bytes(100_000), "audio_unreadable"),
    "garbage in WebM": (GOOD["webm"][:60] + RANDOM.bytes(100_000), "audio_unreadable"),
    "garbage in FLAC": (b"fLaC" + RANDOM.bytes(100_000), "audio_unreadable"),
    "a zip with a WAV's head": (b"RIFF\xff\xff\xff\xffWAVE" + zipped(), "audio_unreadable"),
    "a page with a WebM's head": (GOOD["webm"][:60] + b"<script>alert(1)</script>" * 100, "audio_unreadable"),
    "an hour of silence": (muxed(np.zeros(8_000 * 3_600, np.int16), "flac", "flac", 8_000), "audio_too_long"),
    "31 seconds": (encoded(sine(31_000), "opus"), "audio_too_long"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_bad_is_refused(name):
    data, code = BAD[name]

    assert refusal(data).code == code


def test_the_refusals_have_their_status_and_say_what_to_do():
    assert (refusal(BAD["GSM"][0]).status, refusal(BAD["silence"][0]).status, refusal(BAD["31 seconds"][0]).status) == (415, 400, 413)
    assert "30 seconds" in refusal(BAD["31 seconds"][0]).message
    short = refusal(wav(TONE[:2_400].tobytes()), shortest=0.5)
    assert (short.code, short.status) == ("audio_too_short", 400)
    assert "0.10 seconds" in short.message


@pytest.mark.parametrize("claims", [0xFFFFFFFF, 0xFFFFFF00, 0x7FFFFFFF])
def test_a_length_that_is_claimed_is_not_believed(claims):
    assert heard(wav(TONE.tobytes(), claims=claims)).size == TONE.size


def test_many_empty_chunks_are_passed_over_or_refused():
    assert outcome(wav(TONE.tobytes(), extra=b"JUNK\0\0\0\0" * 100_000)) in {MS / 1000, "audio_unreadable"}


def test_chained_streams_are_one_after_the_other():
    assert heard(encoded(sine(100), "opus") * 50).size / RATE == pytest.approx(5, abs=0.5)


def test_what_is_longer_than_allowed_is_not_decoded_to_its_end():
    data = encoded(np.tile(noise(10_000), 12), "mp3")

    assert refusal(data, longest=1).code == "audio_too_long"
    assert heard(data, longest=LONG).size / RATE == pytest.approx(120, abs=1)


def test_what_takes_more_processor_time_than_allowed_is_refused():
    # decoding all of it takes nine seconds of a fast processor
    chained = encoded(noise(1_000), "opus") * 6_000

    refused = refusal(chained, longest=1_000_000, processor_seconds=1)

    assert refused.code == "audio_unreadable"


def test_what_takes_more_memory_than_allowed_is_refused(monkeypatch):
    monkeypatch.setattr(decoding, "MEMORY", 32 << 20)

    assert refusal(GOOD["wav"]).code == "audio_unreadable"


def test_what_takes_more_time_than_allowed_is_refused(monkeypatch):
    monkeypatch.setattr(decoding, "START", 0.0)
    monkeypatch.setattr(decoding, "CLOCK", 0.0)

    assert "too long" in refusal(GOOD["wav"]).message


class Signalled:
    """Sends the process that decodes a signal, as soon as there is one."""

    def __init__(self, monkeypatch, number: int) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        real = subprocess.Popen

        def start(*args, **options):
            process = real(*args, **options)
            self.started.append(process)
            os.kill(process.pid, number)
            return process

        monkeypatch.setattr(subprocess, "Popen", start)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_process_that_dies_takes_nothing_but_its_file_along(monkeypatch, number):
    with monkeypatch.context() as patch:
        child = Signalled(patch, number)
        assert refusal(GOOD["wav"]).code == "audio_unreadable"
    assert child.started[0].returncode == -number

    assert heard(GOOD["wav"]).size == TONE.size


def test_one_that_hangs_is_killed_with_its_group(monkeypatch):
    monkeypatch.setattr(decoding, "START", 0.5)
    with monkeypatch.context() as patch:
        child = Signalled(patch, signal.SIGSTOP)
        assert "too long" in refusal(GOOD["wav"], processor_seconds=0).message

    assert child.started[0].returncode == -signal.SIGKILL


def test_a_decoder_that_can_not_start_is_no_fault_of_the_file(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(DecoderFailed) as caught, opened(GOOD["wav"]) as file:
        decode(file, "wav", longest=30)
    assert (caught.value.status, caught.value.transient) == (500, True)


def test_it_ends_when_the_samples_are_no_longer_wanted():
    class Unwanted(Exception):
        pass

    def check() -> None:
        raise Unwanted

    with pytest.raises(Unwanted), opened(GOOD["wav"]) as file:
        decode(file, "wav", longest=30, check=check)


def test_many_at_once_do_not_mix():
    tones = {hz: encoded(sine(1_000, hz), "flac") for hz in range(300, 1_500, 100)}
    threads = threading.active_count()

    with ThreadPoolExecutor(6) as pool:
        found = dict(zip(tones, pool.map(lambda data: pitch(heard(data)), tones.values()), strict=True))

    assert found == {hz: pytest.approx(hz, abs=2) for hz in tones}
    assert threading.active_count() <= threads


@pytest.mark.parametrize("name", ["wav", "m4a", "webm"])
def test_a_damaged_file_is_refused_or_heard(name):
    random = np.random.default_rng(7)
    for _ in range(8):
        damaged = bytearray(GOOD[name])
        for place in random.integers(12, len(damaged), 20):
            damaged[place] = random.integers(256)

        came = outcome(bytes(damaged))

        assert came in REFUSALS if isinstance(came, str) else came < 31


PROBE = """
import json, os, resource, runpy, sys
decoder = runpy.run_path(sys.argv[1])
decoder["_limit"](5, 1 << 30)
limits = {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NPROC")}
print(json.dumps({"limits": limits, "environment": sorted(os.environ)}))
"""


def test_the_process_has_limits_and_nothing_of_our_environment():
    said = subprocess.run(
        [sys.executable, "-I", "-c", PROBE, decoder.__file__], env=decoding.ENVIRONMENT, capture_output=True, text=True, check=True
    )

    told = json.loads(said.stdout)
    assert told["limits"] == {"RLIMIT_AS": [1 << 30] * 2, "RLIMIT_CPU": [5, 5], "RLIMIT_FSIZE": [0, 0], "RLIMIT_NPROC": [0, 0]}
    assert set(told["environment"]) <= {*decoding.ENVIRONMENT, "LC_CTYPE"}


def test_a_long_recording_is_in_memory_once():
    data = encoded(sine(120_000), "wav")
    tracemalloc.start()

    pcm = heard(data, longest=120)
    _, most = tracemalloc.get_traced_memory()

    tracemalloc.stop()
    assert most < 2 * pcm.nbytes
