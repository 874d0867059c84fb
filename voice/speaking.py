"""One item's text to sound: planned into sentences, spoken, joined, encoded, written as it comes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from jobs import departure
from jobs.departure import Reason
from jobs.work import Work
from voice.audio.encode import SAMPLE_BYTES, Encoder, exact_wav_header
from voice.audio.pcm import CLAUSE_PAUSE_MS, PARAGRAPH_PAUSE_MS, RATE, SENTENCE_PAUSE_MS, Joiner, Resampler
from voice.catalogue import engines
from voice.engines.base import DeviceLost, Pcm, Source, Synthesizer, Utterance
from voice.errors import EngineMissing, ModelNotFound, VoiceNotFound
from voice.models import Model, Voice
from voice.text import Sentence, plan


def narrate(work: Work) -> None:
    """Make the item: what `jobs.work` gives, in the format that the item asks for."""
    item = work.item
    _check_voice(work)
    engine = engines().get(item.options["engine"])
    if engine is None:
        raise EngineMissing
    blocks = _verbatim(engine, work) if engine.verbatim else _planned(engine, work)
    samples = 0
    try:
        with Encoder(item.format) as encoder, closing(blocks):
            for pcm in blocks:
                samples += len(pcm)
                work.write(encoder.encode(pcm), seconds=len(pcm) / RATE)
            work.write(encoder.finish())
    except DeviceLost:
        departure.ask(Reason.DEVICE_LOST)
        raise
    if item.format == "wav":
        work.rewrite_start(exact_wav_header(samples * SAMPLE_BYTES))


def _check_voice(work: Work) -> None:
    """Refuse what was asked for in a voice of somebody's own that may not speak any more; VoiceNotFound where it was deleted.

    The row is read once the item is claimed: a consent that is revoked from now on finds the item running, and stops it.
    """
    options = work.item.options
    if "consent_id" not in options:
        return
    voice = Voice.objects.select_related("model", "consent").filter(pk=options["voice_id"]).first()
    if voice is None:
        raise VoiceNotFound(options["voice"])
    voice.check_usable()
    # samples may have come or gone since it was asked for
    work.findings["voice_version"] = voice.version


def _verbatim(engine: Synthesizer, work: Work) -> Generator[Pcm, None, None]:
    with closing(engine.synthesize(_utterance(work))) as spoken:
        yield from spoken
    work.characters = len(work.item.text)


def _planned(engine: Synthesizer, work: Work) -> Generator[Pcm, None, None]:
    """Blocks at RATE, sentence by sentence, without dead air or clicks between them."""
    joiner = Joiner()
    whole = _utterance(work)
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


def _utterance(work: Work) -> Utterance:
    """The item's whole text, as its engine is told to speak it."""
    options = work.item.options
    return Utterance(
        text=work.item.text,
        speaker=options["speaker"],
        language=options["language"],
        speed=options["speed"],
        seed=options.get("seed"),
        model=_source(work),
        urgent=not work.item.batch,
    )


def _source(work: Work) -> Source | None:
    """Where the model's files are, by its row: never by what a request said."""
    model = Model.objects.filter(pk=work.item.options["model"], enabled=True).first()
    if model is None:
        raise ModelNotFound(work.item.options["model"])
    return model.source
