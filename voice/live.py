"""Live sessions as rows: begun within the plan's limit, kept alive by beats, ended once, whoever is the first to end it.

The process that holds a session is named on it. One that was held up while its session went on elsewhere, or was given up for lost,
finds that it is no longer its own.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts import quotas
from accounts.ids import new_id
from accounts.models import ClientSecret
from accounts.quotas import Amount
from accounts.tokens import Identity
from jobs.limits import refuse_in_maintenance
from voice.errors import SecretUsed, SessionBusy, SessionNotFound, TooManySessions
from voice.models import LiveSession
from voice.models.live import Dialect, Kind, LiveSessionRows

log = structlog.get_logger("live")

ID = re.compile(r"sess_[0-9a-z]{26}", re.ASCII)
PROCESS = f"{socket.gethostname()}:{os.getpid()}:{new_id('p')[-6:]}"
LIVE = "live"
# the kind of work: not one that is metered, each turn's speech and transcription is
LOST = "lost"
CLIENT_LEFT = "client_left"
BY_OWNER = "ended_by_owner"
BY_STAFF = "ended_by_staff"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a session came to so far, under the names of its row's columns."""

    seconds_in: float = 0
    seconds_out: float = 0
    responses: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    interruptions: int = 0
    transcript_ms: int | None = None
    # medians, from the end of the speech
    first_token_ms: int | None = None
    first_audio_ms: int | None = None


def session_of(secret: ClientSecret) -> str:
    """The id of the session that a client secret begins, known before it does: whoever makes the secret can look after it."""
    return f"sess_{secret.pk.partition('_')[2]}"


@transaction.atomic
def begin(*, identity: Identity, model: str, kind: Kind, dialect: Dialect) -> LiveSession:
    """An open session of this process. Maintenance, TooManySessions at the plan's limit, SecretUsed where a secret can't begin it."""
    refuse_in_maintenance()
    owner = identity.user
    allowed = quotas.allowance(owner)
    most = allowed.limits["concurrent_sessions"]
    if most is not None:
        quotas.reserve(owner, LIVE, Amount(), allowed)
        # from here on, nobody else begins one for this owner until the end of the transaction
        mine: LiveSessionRows = LiveSession.objects.of(owner)
        mine.lost().close(LOST, at=F("seen_at"))
        if mine.attended().count() >= most:
            raise TooManySessions(most)
    fields: dict[str, Any] = {}
    if identity.secret is not None:
        if not identity.secret.use():
            raise SecretUsed
        fields["id"] = session_of(identity.secret)
    session = LiveSession.objects.create(
        owner=owner,
        api_key=identity.api_key,
        model=model,
        kind=kind,
        dialect=dialect,
        process=PROCESS,
        keeps_transcript=allowed.plan.keep_transcripts,
        **fields,
    )
    session.refresh_from_db()
    return session


def resume(*, identity: Identity, session_id: str) -> tuple[LiveSession, dict[str, Any]]:
    """Take up a session whose client has come back, with what was kept of it; SessionNotFound where that can't be.

    SessionBusy while another process still takes its client for being there. Whoever comes with a client secret finds the session
    that it has begun, and no other.
    """
    theirs = session_id == session_of(identity.secret) if identity.secret else ID.fullmatch(session_id) is not None
    mine = LiveSession.objects.of(identity.user).heard_of().filter(pk=session_id, end_asked_at=None)
    with transaction.atomic():
        session = mine.select_for_update(of=("self",), no_key=True).first() if theirs else None
        if session is None:
            raise SessionNotFound
        if session.left_at is None:
            raise SessionBusy
        mine.update(process=PROCESS, seen_at=Now(), left_at=None, snapshot=None, end_reason="")
    return session, session.snapshot


def leave(session_id: str, figures: Figures, snapshot: dict[str, Any]) -> bool:
    """The client is gone, and may come back for as long as LIVE_RESUME; False when the session is no longer this process's."""
    left = _held(session_id).filter(end_asked_at=None)
    return left.update(left_at=Now(), seen_at=Now(), snapshot=snapshot, end_reason=CLIENT_LEFT, **asdict(figures)) == 1


def beat(session_id: str, figures: Figures) -> bool:
    """Show that the session lives, and write down what it came to. False: it is to end, or is no longer this process's."""
    return _held(session_id).filter(end_asked_at=None).update(seen_at=Now(), **asdict(figures)) == 1


def beat_all(session_ids: Collection[str]) -> set[str]:
    """A beat of many sessions that this process holds, without their figures: two statements however many. Tells which are to end."""
    mine = LiveSession.objects.open().filter(pk__in=session_ids, process=PROCESS, end_asked_at=None)
    mine.update(seen_at=Now())
    return set(session_ids) - set(mine.values_list("pk", flat=True))


def end(session_id: str, reason: str, figures: Figures, transcript: list[dict[str, Any]] | None = None) -> bool:
    """Close the session; False when somebody else has, or holds it now. What was said is kept only where the plan said so at the start."""
    mine = _held(session_id)
    kept = transcript if mine.filter(keeps_transcript=True).exists() else None
    return mine.close(reason, transcript=kept, **asdict(figures)) == 1


def close_lost() -> None:
    """Close what no process has been heard of about: it was killed, and nobody came back to another one."""
    if number := LiveSession.objects.lost().close(LOST, at=F("seen_at")):
        log.warning("sessions lost", number=number)


def _held(session_id: str) -> LiveSessionRows:
    rows: LiveSessionRows = LiveSession.objects.open().filter(pk=session_id, process=PROCESS)
    return rows
