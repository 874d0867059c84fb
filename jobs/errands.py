"""What staff have done to jobs: at once where it is little, by a worker where it would take longer than a request may."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from accounts.models import AuditEntry, Deed
from config.errors import Refusal
from jobs import doorbell, services
from jobs.models import Errand, Job

log = structlog.get_logger("errands")

AT_ONCE = 200
# items that are looked after while whoever asked waits
MOST_JOBS = 10_000
# of one errand
LONGEST = 60.0
# seconds that a worker stays at one errand before others have their turn

Act = Callable[..., str]
# (job, **options) to what was done, in words; a Refusal when it was not


class Deeds:
    """What can be done to a job, by name: rooms above add theirs."""

    def __init__(self) -> None:
        self._acts: dict[str, Act] = {}

    def __call__(self, act: Act) -> Act:
        self._acts[act.__name__] = act
        return act

    def do(self, name: str, job: Job, options: dict[str, Any]) -> str:
        return self._acts[name](job, **options)


deed = Deeds()


@deed
def cancel(job: Job) -> str:
    services.cancel(job=job)
    return "cancelled"


@deed
def retry(job: Job) -> str:
    services.retry(job=job)
    return "queued again"


@deed
def retry_failed_for(job: Job, *, code: str, since: str) -> str:
    number = services.retry(job=job, only=Q(error_code=code, finished_at__gte=datetime.fromisoformat(since)))
    return f"{number} queued again that had failed for {code}"


@deed
def move(job: Job, *, priority: int) -> str:
    services.move(job=job, priority=priority)
    return f"moved to priority {priority}"


def begin(name: str, job_ids: list[str], *, options: dict[str, Any], by: dict[str, Any]) -> Errand:
    """Have it done by a worker. `by` is who asked, as the audit log tells it."""
    errand = Errand.objects.create(deed=name, job_ids=job_ids, total=len(job_ids), options=options, **by)
    send(errand.pk)
    return errand


def send(errand_id: str) -> None:
    """A message that is lost is sent again at the next set time."""
    doorbell.ring("run_errand", errand_id, errand=errand_id)


def run(errand_id: str) -> None:
    """Go on with an errand where it was left. What was begun and not counted, for its worker died, is done twice: then it is refused."""
    errand = Errand.objects.filter(pk=errand_id).first()
    if errand is None or not errand.take():
        return
    errand.refresh_from_db()
    end = time.monotonic() + LONGEST
    while errand.done < errand.total:
        if time.monotonic() > end:
            errand.give_back()
            send(errand.pk)
            return
        if not _step(errand):
            return
    errand.finish()


def resume() -> None:
    for errand_id in Errand.objects.waiting().values_list("pk", flat=True)[:MOST_JOBS]:
        send(errand_id)


def _step(errand: Errand) -> bool:
    job_id = errand.job_ids[errand.done]
    job = Job.objects.filter(pk=job_id).first()
    try:
        said = deed.do(errand.deed, job, errand.options) if job is not None else None
    except Refusal as refusal:
        return errand.step(note={"job": job_id, "refused": refusal.message}, refused=True)
    except Exception as error:  # one job must not hold up the rest
        log.error("unexpected", errand=errand.pk, job=job_id, exc_info=error)
        return errand.step(note={"job": job_id, "refused": "It failed; the log says how."}, refused=True)
    if said is None:
        return errand.step(note={"job": job_id, "refused": "It is no longer there."}, refused=True)
    return _count(errand, job_id, said)


@transaction.atomic
def _count(errand: Errand, job_id: str, said: str) -> bool:
    """With its entry in the audit log, or not at all."""
    if not errand.step(note={"job": job_id, "done": said}, refused=False):
        return False
    AuditEntry.objects.create(
        deed=Deed.CHANGED,
        who=errand.who,
        who_name=errand.who_name,
        kind=ContentType.objects.get_for_model(Job),
        row_id=job_id,
        row_name=job_id,
        detail=f"{said}, by {errand.pk}",
        address=errand.address,
        request_id=errand.request_id,
    )
    return True
