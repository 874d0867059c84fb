"""The waveforms of recordings: read by a worker, written on the recording's row, drawn by whoever shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import structlog
from django.utils.html import format_html, format_html_join

from config.errors import Refusal
from jobs import doorbell
from voice.audio.waveform import waveform
from voice.models import Consent, Sample
from voice.sources import read_pcm

log = structlog.get_logger("waveforms")

HEIGHT = 50
# of half a drawing; its width is a unit for each peak
WHOLE = 100
# per cent
RECORDINGS = {"sample": (Sample, "blob"), "consent": (Consent, "recording")}
# whose rows have a waveform, and the field that names their sound
MEASURES = {
    "seconds": ("length", "{:.1f} s"),
    "voiced_seconds": ("vowels and the like", "{:.1f} s"),
    "speech_db": ("speech", "{:.1f} dB"),
    "noise_db": ("pauses", "{:.1f} dB"),
    "peak_db": ("peak", "{:.1f} dB"),
    "clipped_share": ("near the peak", "{:.2%} of the samples"),
}
# what was found of a sample, as people say it


def look(kind: str, pk: str) -> None:
    """The worker's half: read a recording that has no waveform yet, and write it down."""
    model, field = RECORDINGS[kind]
    rows: Any = model._default_manager.filter(pk=pk, waveform__isnull=True)
    row = rows.select_related(field).first()
    blob = getattr(row, field) if row is not None else None
    if blob is None:
        return
    try:
        rows.update(waveform=asdict(waveform(read_pcm(blob))))
    except Refusal as refusal:
        # it is asked for again when somebody looks again
        log.warning("no waveform", kind=kind, pk=pk, reason=refusal.reason)


def ask_for(rows: Iterable[Sample | Consent]) -> None:
    """Have a worker look at those that have none: they were recorded before waveforms were."""
    for row in rows:
        if row.waveform is None and not doorbell.ring("read_waveform", row._meta.model_name, row.pk, row=row.pk):
            return


def drawn(found: dict[str, Any] | None, *, seconds: float) -> str:
    """A waveform with the same in words."""
    if not found:
        return format_html("{} s; a worker is about to look at it.", f"{seconds:.1f}")
    peaks = found["peaks"]
    words = f"{seconds:.1f} s, level {found['level_db']:g} dB, peak {found['peak_db']:g} dB"
    bars = format_html_join(
        "",
        '<rect x="{}" y="{}" width="0.8" height="{}"/>',
        ((place, HEIGHT - half, 2 * half) for place, half in enumerate(max(1, peak * HEIGHT // WHOLE) for peak in peaks)),
    )
    return format_html(
        '<svg class="desk-wave" viewBox="0 0 {} {}" preserveAspectRatio="none" fill="currentColor" role="img" aria-label="Waveform: {}">'
        '{}</svg><span class="desk-quiet">{}</span>',
        max(1, len(peaks)),
        2 * HEIGHT,
        words,
        bars,
        words,
    )


def measured(findings: dict[str, Any]) -> str:
    """What was found of a sample, a line each."""
    return format_html_join("", "{}: {}<br>", (_told(name, value) for name, value in findings.items()))


def _told(name: str, value: Any) -> tuple[str, Any]:
    if name == "pitches" and isinstance(value, list):
        return "pitch", ", ".join(f"{hz} Hz" for hz in value) or "none found"
    if name in MEASURES and isinstance(value, int | float):
        label, form = MEASURES[name]
        return label, form.format(value)
    return name, value
