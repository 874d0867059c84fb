"""The verbs of `manage.py jobs`. How a job is made depends on what is to be made of it, and is said in the room above."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import Count
from rich.progress import Progress, TaskID

from accounts.models import Deed
from accounts.terminal import Row, VerbCommand, listing, number, person, plain, verb
from jobs import services
from jobs.dealing import leave_to_a_sweep
from jobs.models import OPEN, Item, Job, State

MOST_SHOWN = 20
LOOK_EVERY = 0.5
# seconds
JOB_COLUMNS = ("id", "owner", "kind", "name", "state", "done", "total", "failed", "created")
ITEM_COLUMNS = ("position", "id", "ref", "state", "attempt", "voice", "error", "text")
LONGEST_SHOWN = 60
# characters of a text


class JobCommand(VerbCommand):
    help = "What the service is asked to make: jobs, and their items."
    examples: tuple[str, ...] = (
        "list --state failed",
        "show job_01… --items",
        "watch job_01…",
        "cancel job_01… job_02…",
        "retry job_01… --watch",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.verbs = parser.add_subparsers(dest="verb", required=True)
        shown = listing(self.verbs, "list", self._list, "the jobs, newest first")
        shown.add_argument("--user", help="only this user's")
        shown.add_argument("--state", choices=State.values)
        shown.add_argument("--limit", type=number, default=MOST_SHOWN, help=f"default {MOST_SHOWN}")
        show = listing(self.verbs, "show", self._show, "one job, with what went wrong")
        show.add_argument("id", metavar="job_…")
        show.add_argument("--items", action="store_true", help="its items instead")
        show.add_argument("--state", choices=State.values, help="only items in this state")
        show.add_argument("--limit", type=number, default=MOST_SHOWN, help=f"items; default {MOST_SHOWN}")
        self._several("watch", self._watch, "show how far jobs are until they are over; exit status 1 where anything was not made")
        self._several("cancel", self._cancel, "end what is queued and stop what runs; what was made stays")
        retry = self._several("retry", self._retry, "queue the items that failed once more")
        retry.add_argument("--watch", action="store_true", help="until they are over")

    def _several(self, name: str, act: Any, purpose: str) -> ArgumentParser:
        parser = verb(self.verbs, name, act, purpose)
        parser.add_argument("ids", nargs="+", metavar="job_…")
        return parser

    def _list(self, *, user: str | None, state: str | None, limit: int, as_json: bool, **_options: Any) -> None:
        jobs = Job.objects.listed().select_related("owner").order_by("-pk")
        if user is not None:
            jobs = jobs.of(person(user))
        if state is not None:
            jobs = jobs.filter(state=state)
        self.show((_row(job) for job in jobs[:limit]), columns=JOB_COLUMNS, as_json=as_json)

    def _show(self, *, id: str, items: bool, state: str | None, limit: int, as_json: bool, **_options: Any) -> None:  # noqa: A002
        [job] = _found([id])
        if items or state is not None:
            rows = job.items.order_by("position")
            rows = rows if state is None else rows.filter(state=state)
            self.show((_item_row(item) for item in rows[:limit]), columns=ITEM_COLUMNS, as_json=as_json)
            return
        why = job.items.filter(state=State.FAILED).order_by().values_list("error_code", "error_message").annotate(Count("pk"))
        reasons = [f"{number} × {code}: {message}" for code, message, number in why[:limit]]
        times = {"started": job.started_at, "finished": job.finished_at}
        more = {"priority": job.priority, "metadata": job.metadata, "running": job.items.filter(state=State.RUNNING).count()}
        self.tell({**_row(job), **more, **times, "failures": reasons}, as_json=as_json)

    def _watch(self, *, ids: list[str], **_options: Any) -> None:
        self.watch(_found(ids))

    def _cancel(self, *, ids: list[str], **_options: Any) -> None:
        for job in _found(ids):
            if job.state == State.CANCELLED:
                self.say(f"{job} was cancelled before.")
                continue
            services.cancel(job=job)
            self.note(Deed.CHANGED, [job], "cancelled")
            job.refresh_from_db()
            stopping = job.total - job.ended
            self.say(f"{job}: {job.cancelled} items are cancelled{f', {stopping} more are being stopped' if stopping else ''}.")

    def _retry(self, *, ids: list[str], watch: bool, **_options: Any) -> None:
        jobs = _found(ids)
        for job in jobs:
            again = services.retry(job=job)
            self.note(Deed.CHANGED, [job], "queued again")
            self.handed_over(job)
            self.say(f"{job}: {again} items are queued again.")
        if watch:
            self.watch(jobs)

    @staticmethod
    def handed_over(job: Job) -> None:
        """Queued by a process that makes nothing itself."""
        if settings.EMBEDDED:
            leave_to_a_sweep(job)

    def watch(self, jobs: Iterable[Job]) -> None:
        """Until all are over, and tell how each ended; CommandError when something was not made."""
        jobs = list(jobs)
        with self.progress() as bars:
            tasks = {job.pk: bars.add_task(f"{job.pk} {plain(job.name)}".rstrip(), total=job.total) for job in jobs}
            while waiting := [job for job in jobs if not _advanced(job, bars, tasks[job.pk])]:
                time.sleep(LOOK_EVERY)
                for job in waiting:
                    job.refresh_from_db()
        for job in jobs:
            self.say(f"{job} is {job.state}: {job.completed} of {job.total} made, {job.failed} failed, {job.cancelled} cancelled.")
        if unmade := sum(job.failed + job.cancelled for job in jobs):
            raise CommandError(f"{unmade} items were not made; `manage.py jobs show` says why.")


def _advanced(job: Job, bars: Progress, task: TaskID) -> bool:
    """Move a job's bar; whether the job is over."""
    bars.update(task, completed=job.ended)
    return job.state not in OPEN


def _found(ids: list[str]) -> list[Job]:
    jobs = Job.objects.select_related("owner").in_bulk(ids)
    if missing := [each for each in ids if each not in jobs]:
        raise CommandError(f"There is no job {plain(', '.join(missing))}.")
    return [jobs[each] for each in dict.fromkeys(ids)]


def _row(job: Job) -> Row:
    return {
        "id": job.pk,
        "owner": job.owner.username,
        "kind": job.kind,
        "name": job.name,
        "state": job.state,
        "done": job.completed,
        "total": job.total,
        "failed": job.failed,
        "cancelled": job.cancelled,
        "created": job.created_at,
    }


def _item_row(item: Item) -> Row:
    cut = item.text[: LONGEST_SHOWN - 1] + "…" if len(item.text) > LONGEST_SHOWN else item.text
    failed = item.error_code and item.state != State.COMPLETED
    return {
        "position": item.position,
        "id": item.pk,
        "ref": item.ref,
        "state": item.state,
        "attempt": item.attempt,
        "voice": item.options.get("voice"),
        "error": f"{item.error_code}: {item.error_message}" if failed else None,
        "text": cut,
        "output": item.output_id if item.state == State.COMPLETED and item.store else None,
    }
