"""For the admin: has something done to jobs, at once or by a worker, and tells whoever asked what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from accounts.audit import note
from accounts.limits import client_address
from accounts.models import Deed
from config.errors import Refusal
from jobs import errands
from jobs.models import Job


def do(
    desk: Any, request: HttpRequest, name: str, jobs: QuerySet[Job], options: dict[str, Any] | None = None
) -> HttpResponseRedirect | None:
    """Little is done at once. Of much, an errand is made; the answer leads to its page."""
    chosen = list(jobs.order_by("pk").values_list("pk", "total")[: errands.MOST_JOBS + 1])
    if len(chosen) > errands.MOST_JOBS:
        desk.message_user(request, f"These are more than {errands.MOST_JOBS} jobs. Narrow the list first.", messages.WARNING)
        return None
    ids = [job_id for job_id, _ in chosen]
    if sum(total for _, total in chosen) <= errands.AT_ONCE:
        for job in Job.objects.filter(pk__in=ids):
            _do_now(desk, request, name, job, options or {})
        return None
    return hand_over(desk, request, name, ids, options or {})


def hand_over(desk: Any, request: HttpRequest, name: str, job_ids: Sequence[str], options: dict[str, Any]) -> HttpResponseRedirect:
    who: Any = request.user
    told = {"who": who, "who_name": who.get_username(), "address": client_address(request), "request_id": getattr(request, "id", "")}
    errand = errands.begin(name, list(job_ids), options=options, by=told)
    note(request, Deed.ADDED, [errand], detail=f"{name}: {len(job_ids)} jobs")
    desk.message_user(request, f"A worker does it, job by job: {len(job_ids)} in all. This page shows how far it is.", messages.INFO)
    return HttpResponseRedirect(reverse("admin:jobs_errand_change", args=[errand.pk]))


def _do_now(desk: Any, request: HttpRequest, name: str, job: Job, options: dict[str, Any]) -> None:
    link = format_html('<a href="{}" class="underline">{}</a>', reverse("admin:jobs_job_change", args=[job.pk]), job)
    try:
        done = errands.deed.do(name, job, options)
    except Refusal as refusal:
        desk.message_user(request, format_html("{}: {}", link, refusal.message), messages.WARNING)
    else:
        desk.log_change(request, job, done)
        desk.message_user(request, format_html("{}: {}.", link, done), messages.SUCCESS)
