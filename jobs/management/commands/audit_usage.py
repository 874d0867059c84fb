from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from accounts.models import Usage
from accounts.usage import counters, differences, ledger_differences, sums
from jobs.models import OPEN, Item, State

SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
)
# everything is seen as it is at one moment, while the system works; SQLite has no writers beside a transaction


class Command(BaseCommand):
    help = "Prove that what is counted is what was used: the counters, the ledger and the items add up. Exit 1 where they don't."

    def handle(self, *_args: Any, **_options: Any) -> None:
        number = 0
        with transaction.atomic(durable=True):
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    for statement in SNAPSHOT:
                        cursor.execute(statement)
            for line in chain(ledger_differences(), reserved_differences(), item_differences()):
                self.stdout.write(line)
                number += 1
        self.stdout.write(f"{number} differences." if number else "Counters, ledger and items add up.")
        if number:
            sys.exit(1)


def reserved_differences() -> Iterator[str]:
    """A line for each reservation that is not the sum of the items that are open."""
    bound = Item.objects.filter(state__in=OPEN, period_starts_at__isnull=False)
    return differences(counters("_reserved").iterator(), sums(bound, "job__kind").iterator(), suffix="_reserved")


def item_differences() -> Iterator[str]:
    """A line for each item whose end is not the one that the ledger tells of. What the ledger tells once it can't tell twice."""
    charged = Exists(Usage.objects.filter(item_id=OuterRef("pk")))
    wrong = {
        "is over, and something is still reserved for it": Item.objects.exclude(state__in=OPEN).filter(period_starts_at__isnull=False),
        "is completed, and the ledger does not tell of it": Item.objects.filter(~charged, state=State.COMPLETED),
        "has failed, and was charged for": Item.objects.filter(charged, state=State.FAILED),
        "is open, and was charged for": Item.objects.filter(charged, state__in=OPEN),
    }
    for what, items in wrong.items():
        for pk in items.order_by("pk").values_list("pk", flat=True).iterator():
            yield f"{pk} {what}"
