"""One item's text to sound: planned into sentences, spoken, joined, encoded, written as it comes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from jobs.work import Work
from voice.audio.pcm import CLAUSE_PAUSE_MS, PARAGRAPH_PAUSE_MS, SENTENCE_PAUSE_MS, Joiner, Resampler
from voice.catalogue import engines
from voice.cloning import reference
from voice.engines.base import Pcm, Source, Synthesizer, Utterance
from voice.engines.remote.errors import UpstreamFailure
from voice.errors import EngineMissing, ModelNotFound, VoiceNotFound
from voice.fallback import Reading, stand_in
from voice.models import Model, Voice
from voice.rendering import render
from voice.text import Sentence, plan


def narrate(work: Work) -> None:
    """Make the item: what `jobs.work` gives, in the format that the item asks for."""
    render(work, _spoken(work, _own_voice(work)))


def _spoken(work: Work, voice: Voice | None) -> Generator[Pcm, None, None]:
    """Blocks at RATE, of the voice that was asked for or, where that fails before the first sound, of one that may stand in."""
    try:
        yield from _read(work, _utterance(work, Reading(work.item.options, work.item.text), voice), work.item.options["engine"])
    except UpstreamFailure as failure:
        instead = None if work.seconds else stand_in(work.item, failure)
        if instead is None:
            raise
    else:
        return
    yield from _read(work, _utterance(work, instead, None), instead.options["engine"])


def _read(work: Work, whole: Utterance, name: str) -> Generator[Pcm, None, None]:
    engine = engines().get(name)
    if engine is None:
        raise EngineMissing
    return _verbatim(engine, work, whole) if engine.verbatim else _planned(engine, work, whole)


def _own_voice(work: Work) -> Voice | None:
    """The voice that was asked for, if it is somebody's own. Refused when it may not speak any more; VoiceNotFound where it was deleted.

    The row is read once the item is claimed: a consent that is revoked from now on finds the item running, and stops it.
    """
    options = work.item.options
    if "consent_id" not in options:
        return None
    voice = Voice.objects.select_related("model", "consent").filter(pk=options["voice_id"]).first()
    if voice is None:
        raise VoiceNotFound(options["voice"])
    voice.check_usable()
    # samples may have come or gone since it was asked for
    work.findings["voice_version"] = voice.version
    return voice


def _verbatim(engine: Synthesizer, work: Work, whole: Utterance) -> Generator[Pcm, None, None]:
    resampler = Resampler(engine.rate(whole))
    with closing(engine.synthesize(whole)) as spoken:
        for block in spoken:
            yield resampler.push(block)
    yield resampler.flush()
    work.characters = len(whole.text)


def _planned(engine: Synthesizer, work: Work, whole: Utterance) -> Generator[Pcm, None, None]:
    """Sentence by sentence, without dead air or clicks between them."""
    joiner = Joiner()
    for sentence in plan(whole.text, whole.language):
        utterance = replace(whole, text=sentence.text)
        resampler = Resampler(engine.rate(utterance))
        with closing(engine.synthesize(utterance)) as spoken:
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


def _utterance(work: Work, reading: Reading, voice: Voice | None) -> Utterance:
    """The whole text, as its engine is told to speak it."""
    options = reading.options
    return Utterance(
        text=reading.text,
        speaker=options["speaker"],
        language=options["language"],
        speed=options["speed"],
        seed=options.get("seed"),
        model=_source(options["model"]),
        reference=None if voice is None or not voice.model.clones else reference(voice),
        urgent=not work.item.batch,
    )


def _source(name: str) -> Source | None:
    """Where the model's files are, by its row: never by what a request said."""
    model = Model.objects.filter(pk=name, enabled=True).first()
    if model is None:
        raise ModelNotFound(name)
    return model.source
