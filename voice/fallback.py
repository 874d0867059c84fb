"""Who speaks where an upstream fails before its first sound: the voice that its operator named, for owners whose plan allows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings

from accounts.quotas import allowance
from jobs.connections import give_back
from jobs.models import Item
from voice.models import ANY_LANGUAGE, Voice
from voice.text import normalise, speakable
from voice.upstreams.errors import UpstreamFailure

log = structlog.get_logger("voice")


@dataclass(frozen=True, slots=True)
class Reading:
    """Who is to speak what."""

    options: dict[str, Any]
    # as an item's: the resolved configuration
    text: str


def stand_in(item: Item, failure: UpstreamFailure) -> Reading | None:
    """What to speak in place of an item as it was asked for, which says so from then on; None where nothing may or can."""
    try:
        return _chosen(item, failure)
    finally:
        give_back()


def _chosen(item: Item, failure: UpstreamFailure) -> Reading | None:
    name = next((upstream.fallback for upstream in settings.UPSTREAMS if upstream.name == item.options["model"]), "")
    if not name or not allowance(item.job.owner).plan.upstream_fallback:
        return None
    voice = Voice.objects.stock().usable().filter(name=name).first()
    language = item.options["language"]
    if voice is None or not (language == ANY_LANGUAGE or voice.speaks(language)):
        log.warning("no fallback", voice=name, language=language)
        return None
    text = item.text if voice.model.verbatim else normalise(item.text)
    if not speakable(text):
        return None
    made_by = _configuration(voice, item.options)
    item.fall_back({**made_by, "reason": failure.code})
    log.warning("fallback", voice=name, reason=failure.code)
    return Reading({**item.options, **made_by}, text)


def _configuration(voice: Voice, asked: dict[str, Any]) -> dict[str, Any]:
    return {
        "engine": voice.model.engine,
        "model": voice.model.name,
        "voice": voice.name,
        "voice_id": voice.pk,
        "voice_version": voice.version,
        "speaker": voice.speaker,
        "language": voice.languages[0] if asked["language"] == ANY_LANGUAGE else asked["language"],
        "speed": min(max(asked["speed"], voice.model.slowest), voice.model.fastest),
    }
