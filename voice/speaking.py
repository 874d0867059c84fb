"""One item's text to sound: planned into sentences, spoken, joined, encoded, written as it comes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from jobs.work import Work
from voice import registry
from voice.audio.pcm import CLAUSE_PAUSE_MS, PARAGRAPH_PAUSE_MS, SENTENCE_PAUSE_MS, Joiner, Resampler
from voice.catalogue import engines
from voice.cloning import reference, voice_of
from voice.engines.base import Pcm, Source, Synthesizer, Utterance
from voice.errors import EngineMissing
from voice.fallback import Reading, stand_in
from voice.lexicons import dictionary_of
from voice.models import Model, Voice
from voice.rendering import render
from voice.text import Dictionary, Sentence, Spoken, plan, verbalise
from voice.text.sentences import LONGEST
from voice.timing import ASKED, Clock
from voice.upstreams.errors import UpstreamFailure


def narrate(work: Work) -> None:
    """Make the item: what `jobs.work` gives, in the format that the item asks for."""
    render(work, _spoken(work, _own_voice(work)))


def _spoken(work: Work, voice: Voice | None) -> Generator[Pcm, None, None]:
    """Blocks at RATE, of the voice that was asked for or, where that fails before the first sound, of one that may stand in."""
    try:
        yield from _blocks(work, _utterance(work, Reading(work.item.options, work.item.text), voice), work.item.options["engine"])
    except UpstreamFailure as failure:
        instead = None if work.seconds else stand_in(work.item, failure)
        if instead is None:
            raise
    else:
        return
    yield from _blocks(work, _utterance(work, instead, None), instead.options["engine"])


def _blocks(work: Work, whole: Utterance, name: str) -> Generator[Pcm, None, None]:
    engine = engines().get(name)
    if engine is None:
        raise EngineMissing
    return _verbatim(engine, work, whole) if engine.verbatim else _planned(engine, work, whole)


def _own_voice(work: Work) -> Voice | None:
    """The voice that was asked for, if it is somebody's own."""
    return voice_of(work) if "consent_id" in work.item.options else None


def _verbatim(engine: Synthesizer, work: Work, whole: Utterance) -> Generator[Pcm, None, None]:
    clock = _clock(work, whole)
    resampler = Resampler(engine.rate(whole))
    with closing(engine.synthesize(replace(whole, mark=clock.mark))) as spoken:
        for block in spoken:
            yield resampler.push(block)
    yield resampler.flush()
    work.characters = len(whole.text)
    if clock.mark is not None:
        clock.whole(whole.language)
        work.timestamps = clock.told()


def _planned(engine: Synthesizer, work: Work, whole: Utterance) -> Generator[Pcm, None, None]:
    """Sentence by sentence, without dead air or clicks between them."""
    joiner, clock = Joiner(), _clock(work, whole)
    rate = engine.rate(whole)
    for sentence in plan(whole.text, whole.language):
        pieces = _pieces(sentence, engine, work, whole.language)
        for piece in pieces:
            utterance = replace(whole, text=piece.text, pronunciations=piece.pronunciations, mark=clock.mark)
            resampler = Resampler(rate)
            with closing(engine.synthesize(utterance)) as spoken:
                for block in spoken:
                    work.check()
                    yield joiner.push(resampler.push(block))
            yield joiner.push(resampler.flush())
            yield joiner.end(CLAUSE_PAUSE_MS if piece is not pieces[-1] else _pause_after(sentence))
            clock.piece(piece, joiner.place)
        clock.sentence(sentence)
        work.characters += len(sentence.text)
    work.timestamps = clock.told()


def _clock(work: Work, whole: Utterance) -> Clock:
    return Clock(whole.text, work.item.options.get(ASKED, ()))


def _pieces(sentence: Sentence, engine: Synthesizer, work: Work, language: str) -> list[Spoken]:
    """The sentence in spoken words, in pieces where those are too many for an engine."""
    options = work.item.options
    reference = options.get("lexicon")
    spoken = verbalise(
        sentence.text,
        language,
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


def _utterance(work: Work, reading: Reading, voice: Voice | None) -> Utterance:
    """The whole text, as its engine is told to speak it."""
    options = reading.options
    return Utterance(
        text=reading.text,
        speaker=options["speaker"],
        language=options["language"],
        speed=options["speed"],
        seed=options.get("seed"),
        instructions=options.get("instructions") or "",
        model=_source(options["model"]) if options["engine"] == registry.ENGINE else None,
        reference=None if voice is None or not voice.model.clones else reference(voice),
        urgent=not work.item.batch,
    )


def _source(name: str) -> Source:
    """Where the model's files are, by its row: never by what a request said."""
    return registry.source_of(Model.objects.filter(pk=name, enabled=True).first(), name)
