"""One item's text to sound: planned into sentences, spoken, joined, encoded, written as it comes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from jobs.work import Work
from voice.audio.encode import SAMPLE_BYTES, Encoder, exact_wav_header
from voice.audio.pcm import CLAUSE_PAUSE_MS, PARAGRAPH_PAUSE_MS, RATE, SENTENCE_PAUSE_MS, Joiner, Resampler
from voice.catalogue import engines
from voice.engines.base import Pcm, Speaker, Synthesizer, Utterance
from voice.errors import EngineMissing
from voice.lexicons import dictionary_of
from voice.text import Dictionary, Pronunciation, Sentence, Spoken, plan, verbalise
from voice.text.sentences import LONGEST


def narrate(work: Work) -> None:
    """Make the item: what `jobs.work` gives, in the format that the item asks for."""
    item = work.item
    engine = engines().get(item.options["engine"])
    if engine is None:
        raise EngineMissing
    blocks = _verbatim(engine, work) if engine.verbatim else _planned(engine, work)
    samples = 0
    with Encoder(item.format) as encoder, closing(blocks):
        for pcm in blocks:
            samples += len(pcm)
            work.write(encoder.encode(pcm), seconds=len(pcm) / RATE)
        work.write(encoder.finish())
    if item.format == "wav":
        work.rewrite_start(exact_wav_header(samples * SAMPLE_BYTES))


def _verbatim(engine: Synthesizer, work: Work) -> Generator[Pcm, None, None]:
    utterance = _utterance(work, work.item.text)
    with closing(engine.synthesize(utterance)) as spoken:
        yield from spoken
    work.characters = len(work.item.text)


def _planned(engine: Synthesizer, work: Work) -> Generator[Pcm, None, None]:
    """Blocks at RATE, sentence by sentence, without dead air or clicks between them."""
    speaker = _speaker(engine, work.item.options["speaker"])
    joiner = Joiner()
    for sentence in plan(work.item.text, work.item.options["language"]):
        pieces = _read(sentence, engine, work)
        for piece in pieces:
            resampler = Resampler(speaker.rate)
            with closing(engine.synthesize(_utterance(work, piece.text, piece.pronunciations))) as spoken:
                for block in spoken:
                    work.check()
                    yield joiner.push(resampler.push(block))
            yield joiner.push(resampler.flush())
            yield joiner.end(CLAUSE_PAUSE_MS if piece is not pieces[-1] else _pause_after(sentence))
        work.characters += len(sentence.text)


def _read(sentence: Sentence, engine: Synthesizer, work: Work) -> list[Spoken]:
    """The sentence in spoken words, in pieces where those are too many for an engine."""
    options = work.item.options
    reference = options.get("lexicon")
    spoken = verbalise(
        sentence.text,
        options["language"],
        dictionary=dictionary_of(reference) if reference else Dictionary(),
        phonetic=engine.phonetic,
        normalize=options.get("normalize", True),
    )
    return list(spoken.pieces(LONGEST))


def _pause_after(sentence: Sentence) -> float:
    """Milliseconds."""
    if sentence.paragraph_end:
        return PARAGRAPH_PAUSE_MS
    return CLAUSE_PAUSE_MS if sentence.goes_on else SENTENCE_PAUSE_MS


def _utterance(work: Work, text: str, pronunciations: tuple[Pronunciation, ...] = ()) -> Utterance:
    options = work.item.options
    return Utterance(
        text=text,
        speaker=options["speaker"],
        language=options["language"],
        speed=options["speed"],
        seed=options.get("seed"),
        pronunciations=pronunciations,
    )


def _speaker(engine: Synthesizer, name: str) -> Speaker:
    return next(speaker for speaker in engine.speakers() if speaker.name == name)
