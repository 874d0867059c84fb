"""The same thing made once: what is stored already is served again, and what is being made already is waited for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Value

from accounts import quotas
from accounts.models import User
from accounts.models.ledger import MILLISECONDS
from accounts.quotas import Amount, Charge
from jobs.models import FALLBACK, OPEN, Blob, Item, Output, State
from jobs.models.output import OutputRows


def reuse_key(*, text: str, options: dict[str, Any], format: str, source: str | None = None) -> str:  # noqa: A002  -- the field's name
    """SHA-256 of all that a result depends on: text after normalisation, the resolved options, and the version that would make it.

    `source` is the SHA-256 of the bytes that are worked on.
    """
    parts = [settings.VERSION, text, format, options, *([source] if source else [])]
    canonical = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def stored(owner: User, keys: Collection[str]) -> set[str]:
    """Those of the keys by which an owner has an output now."""
    if not keys:
        return set()
    return set(_lasting(owner, keys).values_list("reuse_key", flat=True))


def found(owner: User, keys: Collection[str]) -> tuple[dict[str, Output], dict[str, str]]:
    """By reuse key what an owner has, and the ids of his items that are being made. What he has keeps its bytes to the end of the
    transaction, whoever deletes it. One statement looks for both: most texts are new, and found in neither.
    """
    if not keys:
        return {}, {}
    items = Item.objects.of(owner).filter(reuse_key__in=keys, state__in=OPEN, twin=None, stop_asked_at=None, store=True)
    making, made = (
        rows.order_by().annotate(made=Value(made)).values_list("reuse_key", "pk", "made")
        for rows, made in ((items, False), (_lasting(owner, keys), True))
    )
    known = list(making.union(made, all=True))
    held = _held(owner, {key for key, _, made in known if made})
    return held, {key: pk for key, pk, made in known if not made and key not in held}


def _lasting(owner: User, keys: Collection[str]) -> OutputRows:
    rows: OutputRows = Output.objects.of(owner).lasting().filter(reuse_key__in=keys)
    return rows


def _held(owner: User, keys: Collection[str]) -> dict[str, Output]:
    if not keys:
        return {}
    rows = _lasting(owner, keys).select_related("blob", "timestamps")
    held = list(rows.select_for_update(of=("blob",), no_key=True))
    # in a statement of its own: an outer join's rows can't be locked
    told = {output.timestamps_id for output in held} - {None}
    there = set(Blob.objects.select_for_update(no_key=True).filter(pk__in=told).values_list("pk", flat=True)) if told else set()
    return {output.reuse_key: output for output in held if output.timestamps_id in {None, *there}}


def serve(item: Item, output: Output, *, characters: int, percent: int) -> tuple[Output, Charge]:
    """An item's own output with the bytes of another's, and what it costs: a share of what making it would have."""
    if FALLBACK in output.configuration:
        item.options = {**item.options, FALLBACK: output.configuration[FALLBACK]}
    price = Amount(characters=characters, milliseconds=round(output.seconds * MILLISECONDS)).share(percent)
    copy = Output.of(item, blob=output.blob, timestamps=output.timestamps, attempt=item.attempt, seconds=output.seconds)
    return copy, item.charge(price, reused=True)


def end_twins(item: Item) -> None:
    """What waited for an item that is over has its result, or makes it now.

    Each in a transaction of its own: two jobs' rows in one would be locked in one order here and in another elsewhere. What a process
    that dies leaves undone here the sweep finds.
    """
    twins = list(Item.objects.orphaned().filter(twin=item).select_related("job__owner").order_by("id"))
    if not twins:
        return
    output = Output.objects.filter(item=item).select_related("blob", "timestamps").first()
    if output is None:
        _make_heir(twins[0])
        return
    # an owner's items share results with his own only
    percent = quotas.allowance(twins[0].job.owner).plan.reuse_percent
    for twin in twins:
        copy, charge = serve(twin, output, characters=twin.characters, percent=percent)
        with transaction.atomic():
            if twin.end_as_twin(charge=charge):
                copy.save(force_insert=True)


@transaction.atomic
def _make_heir(twin: Item) -> None:
    """This one is made, and the others of what it waited for wait for it."""
    if Item.objects.filter(pk=twin.pk, twin=twin.twin_id, state=State.QUEUED).update(twin=None, rung_at=None, rings=0):
        Item.objects.filter(twin=twin.twin_id, state=State.QUEUED).update(twin=twin)
