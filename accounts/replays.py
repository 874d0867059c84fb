"""The same request twice is done once: by the `Idempotency-Key` that a client sends, within the transaction of what it asks for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from rest_framework.request import Request

from accounts.models import Replay, User
from config.errors import Conflict, Refusal

HEADER = "Idempotency-Key"
RETRY_HEADER = "X-Stainless-Retry-Count"
# which try this is, as the `openai` packages say it; they send no key
FORM = re.compile(r"[!-~]{1,255}", re.ASCII)


class InvalidIdempotencyKey(Refusal):
    code = "invalid_idempotency_key"
    message = "An Idempotency-Key is 1 to 255 visible ASCII characters."


class IdempotencyMismatch(Conflict):
    code = "idempotency_mismatch"
    message = "This Idempotency-Key was sent before with another request. Send a key of its own with each."


@dataclass(frozen=True, slots=True)
class Asked:
    """What tells one request from another."""

    fingerprint: str
    # SHA-256 of the route and of what was sent; empty where nobody will ask for it
    key: str | None
    attempt: int | None
    # counted from 0 by a client that counts; none: it does not

    @classmethod
    def by(cls, request: Request) -> Asked:
        key = request.headers.get(HEADER)
        if key is not None and not FORM.fullmatch(key):
            raise InvalidIdempotencyKey
        count = request.headers.get(RETRY_HEADER, "")
        attempt = int(count) if count.isascii() and count.isdigit() and len(count) <= len("99") else None
        told_apart = key is not None or attempt is not None
        return cls(fingerprint=_fingerprint(request) if told_apart else "", key=key, attempt=attempt)


@dataclass(frozen=True, slots=True)
class Done:
    """What a request came to: the id of what it made and, where that can be said again, the answer's body."""

    subject: str
    answer: Any = None
    replayed: bool = False


def once(owner: User, asked: Asked, act: Callable[[], Done]) -> Done:
    """What `act` does for this key, now or when it was first sent; IdempotencyMismatch when that was another request.

    A twin that is under way is waited for by the unique constraint; one that was refused leaves nothing behind, and this one acts.
    """
    if asked.key is None:
        return act()
    if known := earlier(owner, asked):
        return known
    try:
        with transaction.atomic():
            replay = Replay.objects.create(owner=owner, key=asked.key, fingerprint=asked.fingerprint)
            done = act()
            Replay.objects.filter(pk=replay.pk).update(subject=done.subject, answer=done.answer)
    except IntegrityError:
        if known := earlier(owner, asked):
            return known
        raise
    return done


def earlier(owner: User, asked: Asked) -> Done | None:
    """What the key came to before, for whoever has much to do before `once`; None when it is new, IdempotencyMismatch as there."""
    if asked.key is None:
        return None
    replay = Replay.objects.of(owner).filter(key=asked.key).first()
    if replay is None:
        return None
    if replay.fingerprint != asked.fingerprint:
        raise IdempotencyMismatch
    return Done(replay.subject, replay.answer, replayed=True)


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(request.path.encode())
    data = request.data
    fields = {name: value for name, value in data.items() if not isinstance(value, UploadedFile)} if hasattr(data, "items") else data
    digest.update(json.dumps(fields, sort_keys=True).encode())
    for name, file in sorted(request.FILES.items()):
        digest.update(name.encode())
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
    return digest.hexdigest()
