"""One item's text to sound: planned into sentences, spoken, joined, encoded, written as it comes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from jobs.work import Work
from voice.audio.encode import SAMPLE_BYTES, Encoder, exact_wav_header
from voice.audio.pcm import CLAUSE_PAUSE_MS, PARAGRAPH_PAUSE_MS, RATE, SENTENCE_PAUSE_MS, Joiner, Resampler
from voice.catalogue import engines
from voice.engines.base import Pcm, Speaker, Synthesizer, Utterance
from voice.engines.remote.errors import UpstreamFailure
from voice.errors import EngineMissing
from voice.fallback import Reading, stand_in
from voice.text import Sentence, plan


def narrate(work: Work) -> None:
    """Make the item: what `jobs.work` gives, in the format that the item asks for."""
    item = work.item
    blocks = _spoken(work)
    samples = 0
    with Encoder(item.format) as encoder, closing(blocks):
        for pcm in blocks:
            samples += len(pcm)
            work.write(encoder.encode(pcm), seconds=len(pcm) / RATE)
        work.write(encoder.finish())
    if item.format == "wav":
        work.rewrite_start(exact_wav_header(samples * SAMPLE_BYTES))


def _spoken(work: Work) -> Generator[Pcm, None, None]:
    """Blocks at RATE, of the voice that was asked for or, where that fails before the first sound, of one that may stand in."""
    asked = Reading(work.item.options, work.item.text)
    try:
        yield from _read(asked, work)
    except UpstreamFailure as failure:
        instead = None if work.seconds else stand_in(work.item, failure)
        if instead is None:
            raise
    else:
        return
    yield from _read(instead, work)


def _read(reading: Reading, work: Work) -> Generator[Pcm, None, None]:
    engine = engines().get(reading.options["engine"])
    if engine is None:
        raise EngineMissing
    return _verbatim(engine, reading, work) if engine.verbatim else _planned(engine, reading, work)


def _verbatim(engine: Synthesizer, reading: Reading, work: Work) -> Generator[Pcm, None, None]:
    resampler = Resampler(_speaker(engine, reading).rate)
    with closing(engine.synthesize(_utterance(reading, reading.text))) as spoken:
        for block in spoken:
            yield resampler.push(block)
    yield resampler.flush()
    work.characters = len(reading.text)


def _planned(engine: Synthesizer, reading: Reading, work: Work) -> Generator[Pcm, None, None]:
    """Sentence by sentence, without dead air or clicks between them."""
    speaker = _speaker(engine, reading)
    joiner = Joiner()
    for sentence in plan(reading.text, reading.options["language"]):
        resampler = Resampler(speaker.rate)
        with closing(engine.synthesize(_utterance(reading, sentence.text))) as spoken:
            for block in spoken:
                work.check()
                yield joiner.push(resampler.push(block))
        yield joiner.push(resampler.flush())
        yield joiner.end(_pause_after(sentence))
        work.characters += len(sentence.text)


def _pause_after(sentence: Sentence) -> float:
    """Milliseconds."""
    if sentence.paragraph_end:
        return PARAGRAPH_PAUSE_MS
    return CLAUSE_PAUSE_MS if sentence.goes_on else SENTENCE_PAUSE_MS


def _utterance(reading: Reading, text: str) -> Utterance:
    options = reading.options
    return Utterance(text=text, speaker=options["speaker"], language=options["language"], speed=options["speed"], seed=options.get("seed"))


def _speaker(engine: Synthesizer, reading: Reading) -> Speaker:
    """The voice, unless this worker's configuration is another than that of the one that listed it."""
    name = reading.options["speaker"]
    speaker = next((speaker for speaker in engine.speakers() if speaker.name == name), None)
    if speaker is None:
        raise EngineMissing
    return speaker
