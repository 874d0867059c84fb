"""Why items failed lately: grouped by reason, with what nobody has seen yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from jobs.explanations import meaning
from jobs.models import Failure, Item, State

SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
MOST_TENANTS = 5
MOST_EXAMPLES = 3
# that are shown of a reason


@dataclass(slots=True)
class Group:
    """The items that failed for one reason."""

    code: str
    first: datetime
    last: datetime
    count: int = 0
    new: int = 0
    # since staff last said that they had seen it
    owners: list[tuple[Any, int]] = field(default_factory=list)
    # id and number of items, the most concerned first
    tenants: Sequence[tuple[Any, str, int]] = ()
    # the first of them, with their names
    examples: Sequence[Item] = ()
    # the newest

    @property
    def meaning(self) -> str:
        return meaning(self.code)

    @property
    def more_tenants(self) -> int:
        return len(self.owners) - len(self.tenants)


def failed(since: datetime) -> QuerySet[Item]:
    return Item.objects.filter(state=State.FAILED, finished_at__gte=since).order_by()


def since(span: str) -> datetime:
    return timezone.now() - SPANS[span]


def groups(start: datetime) -> list[Group]:
    """The reasons, those with something new first, then by how many failed. One pass over an index, and a few looks for each reason."""
    known = [Q(error_code=row.code, finished_at__lte=row.seen_until) for row in Failure.objects.all()]
    seen = reduce(or_, known, Q(pk=None))
    found: dict[str, Group] = {}
    rows = failed(start).values_list("error_code", "owner")
    counted = rows.annotate(n=Count("*"), seen=Count("error_code", filter=seen), first=Min("finished_at"), last=Max("finished_at"))
    for code, owner, number, known_number, first, last in counted:
        group = found.setdefault(code, Group(code, first, last))
        group.first, group.last = min(group.first, first), max(group.last, last)
        group.count += number
        group.new += number - known_number
        group.owners.append((owner, number))
    for group in found.values():
        group.owners.sort(key=lambda pair: -pair[1])
        group.examples = list(
            failed(start).filter(error_code=group.code).select_related("owner", "voice").order_by("-finished_at")[:MOST_EXAMPLES]
        )
    _name(list(found.values()))
    return sorted(found.values(), key=lambda group: (not group.new, -group.count))


def mark_seen(code: str, *, until: datetime, by: Any) -> Failure:
    """Nobody has seen what is yet to fail."""
    until = min(until, timezone.now())
    row, _ = Failure.objects.update_or_create(code=code, defaults={"seen_until": until, "seen_by": by, "seen_at": timezone.now()})
    return row


def _name(found: Sequence[Group]) -> None:
    first = {owner for group in found for owner, _ in group.owners[:MOST_TENANTS]}
    names = dict(User.objects.filter(pk__in=first).values_list("pk", "username"))
    for group in found:
        group.tenants = [(owner, names[owner], number) for owner, number in group.owners[:MOST_TENANTS] if owner in names]
