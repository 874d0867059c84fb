"""The end of an account: everything that it has stored is removed by a worker, a little at a time, and the account made nameless.

What is counted and written down of it stays: the ledger, the counters of its periods, and the log of what staff did.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from accounts.models import ApiKey, ClientSecret, Override, Removal, RemovalState, Replay, SignIn, User
from config.errors import Conflict
from jobs import doorbell, storage, webhooks
from jobs import services as jobs
from jobs.errors import InvalidState
from jobs.models import OPEN, Blob, Delivery, Item, Job, Output, Webhook
from voice import consents
from voice.custom_voices import delete_voice
from voice.errors import VoiceNotFound
from voice.models import Consent, Lexicon, LiveSession, Voice

log = structlog.get_logger("removals")

BATCH = 200
# rows that are looked at together
LONGEST = 20.0
# seconds that one turn takes; the next goes on
MOST_NAMED = 10
# outputs that a refusal names
LONGEST_PROBLEM = 500
LOOKED_AT = timedelta(hours=1)
# after the end, in which whatever was let in before it may still write something down


class AccountHeld(Conflict):
    code = "legal_hold"

    def __init__(self, outputs: list[str]) -> None:
        super().__init__(f"Outputs are under legal hold: {', '.join(outputs)}. Release them first.")


class OwnAccount(Conflict):
    code = "own_account"
    message = "This is your own account. Let another do that."


class NotYet(Exception):
    """Something is still being made, or written: the next turn comes to it."""


def begin(*, owner: User, by: User | None) -> Removal:
    """Let somebody in no more, and have everything of his removed. `by` is none for whoever has the machine. AccountHeld, OwnAccount."""
    if owner == by:
        raise OwnAccount
    _refuse_what_is_held(owner)
    with transaction.atomic():
        User.objects.filter(pk=owner.pk).update(is_active=False)
        about = {"asked_by": by, "state": RemovalState.UNDER_WAY, "problem": "", "total": _number(owner), "removed": 0, "finished_at": None}
        removal, _ = Removal.objects.update_or_create(owner=owner, defaults=about)
        transaction.on_commit(partial(doorbell.ring, "remove_account", removal.pk, removal=removal.pk))
    return removal


def continue_all() -> None:
    """Ring for those that are not done; of those that are, for whatever a request left behind that had begun before."""
    for done in Removal.objects.select_related("owner").filter(state=RemovalState.DONE, finished_at__gt=Now() - LOOKED_AT):
        if any(model._default_manager.filter(owner=done.owner_id).exists() for model in LEFT):
            more = F("total") + _number(done.owner)
            Removal.objects.filter(pk=done.pk, state=RemovalState.DONE).update(state=RemovalState.UNDER_WAY, total=more, finished_at=None)
    for pk in Removal.objects.filter(state=RemovalState.UNDER_WAY).values_list("pk", flat=True):
        doorbell.ring("remove_account", pk, removal=pk)


def carry_on(removal_id: int, *, longest: float = LONGEST) -> None:
    """One turn of a removal, of so many seconds. Many may be at it at once; what one leaves undone the next finds."""
    removal = Removal.objects.select_related("owner").filter(pk=removal_id, state=RemovalState.UNDER_WAY).first()
    if removal is None:
        return
    under_way = Removal.objects.filter(pk=removal.pk, state=RemovalState.UNDER_WAY)
    # somebody may have let him in again on his form
    User.objects.filter(pk=removal.owner_id, is_active=True).update(is_active=False)
    end = time.monotonic() + longest
    try:
        for number in _steps(removal.owner):
            under_way.update(removed=F("removed") + number)
            if time.monotonic() > end:
                return
    except NotYet:
        return
    except (InvalidState, AccountHeld) as refusal:
        under_way.update(state=RemovalState.STOPPED, problem=refusal.message[:LONGEST_PROBLEM], finished_at=Now())
        log.warning("removal stopped", owner_id=str(removal.owner_id), reason=refusal.message)
        return
    _make_nameless(removal.owner)
    under_way.update(state=RemovalState.DONE, removed=F("total"), finished_at=Now())
    log.info("account removed", owner_id=str(removal.owner_id))


def _steps(owner: User) -> Iterator[int]:
    """Remove what there is, and say after each step how many rows and files that were. What names something goes before it."""
    for job in Job.objects.of(owner).open():
        with suppress(InvalidState):
            jobs.cancel(job=job)
    for session in LiveSession.objects.of(owner).open():
        session.ask_to_end("account_removed")
    if Item.objects.of(owner).filter(state__in=OPEN).exists():
        raise NotYet
    _refuse_what_is_held(owner)
    yield from _each(Output.objects.of(owner), storage.forget)
    yield from _each(Voice.objects.filter(owner=owner), _forget_voice)
    yield from _each(Consent.objects.of(owner), _forget_consent)
    yield from _batches(Delivery.objects.of(owner))
    for hook in owner.webhooks.all():
        webhooks.remove(hook)
    # items before their jobs: one job may have ten thousand
    yield from _batches(Item.objects.of(owner))
    for rows in (Job.objects.of(owner), Lexicon.objects.filter(owner=owner), LiveSession.objects.of(owner), Replay.objects.of(owner)):
        yield from _batches(rows)
    few: tuple[Any, ...] = (ClientSecret.objects.of(owner), owner.api_keys, owner.sign_ins, Override.objects.filter(owner=owner))
    for rows in few:
        rows.all().delete()
    yield from _each(Blob.objects.filter(owner=owner), lambda blob: storage.remove(blob.pk))
    if Blob.objects.filter(owner=owner).exists():
        raise NotYet


def _each(rows: Any, remove: Callable[[Any], object]) -> Iterator[int]:
    last = ""
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        # a row that was deleted has no key any more
        last = batch[-1].pk
        for row in batch:
            remove(row)
            yield 1


def _batches(rows: Any) -> Iterator[int]:
    model = rows.model
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        model.objects.filter(pk__in=ids).delete()
        yield len(ids) if model in COUNTED else 0


def _forget_voice(voice: Voice) -> None:
    # another turn was quicker
    with suppress(VoiceNotFound):
        delete_voice(voice)


def _forget_consent(consent: Consent) -> None:
    consents.delete(consent)
    consent.delete()


COUNTED = (Output, Voice, Consent, Item, Blob)
# the kinds of rows that progress is told by
LEFT = (*COUNTED, Job, Lexicon, LiveSession, Webhook, Replay, ApiKey, SignIn, ClientSecret)
# and that nothing is left of


def _number(owner: User) -> int:
    return sum(model._default_manager.filter(owner=owner).count() for model in COUNTED)


def _refuse_what_is_held(owner: User) -> None:
    if held := list(Output.objects.of(owner).filter(legal_hold=True).order_by("pk").values_list("pk", flat=True)[:MOST_NAMED]):
        raise AccountHeld(held)


@transaction.atomic
def _make_nameless(owner: User) -> None:
    """What is left is a row for the ledger and the log to refer to."""
    owner.username = f"removed-{owner.pk.hex}"
    owner.email = owner.first_name = owner.last_name = ""
    owner.is_active = owner.is_staff = owner.is_superuser = False
    owner.plan = None
    owner.set_unusable_password()
    owner.save()
    owner.groups.clear()
    owner.user_permissions.clear()
