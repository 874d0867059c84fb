"""All checks at once, those that need another after it, each for a limited time. Nothing that they meet ends the round."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.db import connections

from config.doctor.findings import Check, Finding, Level, failure

AWAY = "The trace is in the log: run it again with `-v 2`."


@dataclass(slots=True)
class Visit:
    """One check, being made in a thread of its own."""

    check: Check
    findings: list[Finding] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> None:
        # it may hang in a library: then the program ends without it
        threading.Thread(target=self._make, name=self.check.noun, daemon=True).start()

    def _make(self) -> None:
        try:
            for finding in self.check.look():
                self.findings.append(finding)
        except Exception as error:
            # of the message nobody knows what it repeats
            self.findings.append(failure(f"It can't be looked at: {type(error).__name__}.", AWAY))
        finally:
            with suppress(Exception):  # whatever the settings meet, where there are none
                connections.close_all()
            self.over.set()

    def end(self, deadline: float) -> list[Finding]:
        if self.over.wait(max(0.0, deadline - time.monotonic())):
            return self.findings
        return [
            *self.findings,
            failure(f"No answer within {self.check.limit:.0f} s.", "See whether what it asks is busy, or cut off."),
        ]


def examine(checks: Iterable[Check]) -> Iterator[tuple[str, Finding]]:
    """Every finding with its noun, in the order of the checks within a round."""
    waiting = list(checks)
    broken: set[str] = set()
    done: set[str] = set()
    nouns = {each.noun for each in waiting}
    while waiting:
        now = [each for each in waiting if all(noun in done or noun not in nouns for noun in each.needs)]
        visits = [Visit(each) for each in now if broken.isdisjoint(each.needs)]
        started = time.monotonic()
        for visit in visits:
            visit.begin()
        for visit in visits:
            for finding in visit.end(started + visit.check.limit):
                if finding.level is Level.FAILURE:
                    broken.add(visit.check.noun)
                yield visit.check.noun, finding
        # what was passed over is as good as broken for whoever needs it
        broken |= {each.noun for each in now if not broken.isdisjoint(each.needs)}
        waiting = [each for each in waiting if each not in now]
        done |= {each.noun for each in now} - {each.noun for each in waiting}
