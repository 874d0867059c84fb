"""The panels of the front page: the figures that its reader may see, with the ways to the rows behind them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from config.desk import figures
from config.desk.charts import Chart
from config.desk.navigation import visible
from jobs.models import State
from jobs.models.worker import WORKER_SILENCE

KINDS = {"speech": "spoken", "transcription": "transcribed", "conversion": "converted"}


def panels(request: HttpRequest) -> dict[str, Any]:
    """What the template `desk/panels.html` shows; a panel that is not there may not be seen."""
    shown: dict[str, Any] = {"now": timezone.now(), "may": _allowed(request)}
    may = shown["may"]
    if may["item"]:
        shown |= {**_work(), "inbox": visible(request).get("jobs.failure")}
    if may["worker"]:
        workers = figures.workers()
        shown |= {"workers": workers, "busy": sum(bool(items) for _, items in workers), "silence": timezone.now() - WORKER_SILENCE}
    if may["livesession"]:
        number, held = figures.sessions()
        shown |= {"sessions": held, "sessions_open": number, "first_sounds": figures.first_sounds()}
    if may["usage"]:
        shown |= _usage()
    if may["blob"]:
        shown |= {"stored": figures.stored()}
    return {**shown, "empty": not any(may.values())}


def _allowed(request: HttpRequest) -> dict[str, bool]:
    return {str(model._meta.model_name): desk.has_view_permission(request) for model, desk in admin.site._registry.items()}


def _work() -> dict[str, Any]:
    minutes, now = figures.minutes(), timezone.now()
    queues, failures = figures.queues(), figures.failures()
    since = (now - timedelta(days=1)).isoformat(timespec="seconds")
    failed = [(code, number, _items(state__exact="failed", error_code__exact=code, finished_at__gte=since)) for code, number in failures]
    return {
        "queues": queues,
        "waiting": sum(queue.depth for queue in queues),
        "many_wait": any(queue.many for queue in queues),
        "oldest": min((queue.oldest for queue in queues if queue.oldest), default=None),
        "waits": figures.waits(),
        "done": sum(ended[State.COMPLETED] for ended in minutes.values()),
        "failed": failed,
        "failed_total": sum(number for _, number in failures),
        "most_failed": max((number for _, number in failures), default=0),
        "failed_link": _items(state__exact="failed", finished_at__gte=since),
        "waiting_link": _items(state__exact="queued"),
        "throughput": Chart(
            key="throughput",
            title="Items done per minute, last hour",
            unit="items",
            names=["completed", "failed", "cancelled"],
            labels=[f"{minute:%H:%M}" for minute in minutes],
            values=[[ended[state] for state in figures.ENDED] for ended in minutes.values()],
        ),
    }


def _usage() -> dict[str, Any]:
    days = figures.days()
    labels = [f"{day:%d %b}" for day in days.days]
    links = [_usage_of(day) for day in days.days]
    kinds = [kind for kind in KINDS if kind in days.seconds] or ["speech"]
    nothing = [0.0] * len(days.days)
    return {
        "tenants": days.tenants,
        "most_used": max((tenant.seconds for tenant in days.tenants), default=0),
        "characters": Chart(
            key="characters",
            title="Characters spoken per day, 30 days, UTC",
            unit="characters",
            names=["characters"],
            labels=labels,
            values=[[number] for number in days.characters],
            links=links,
        ),
        "seconds": Chart(
            key="seconds",
            title="Seconds of audio per day, 30 days, UTC",
            unit="seconds",
            names=[KINDS[kind] for kind in kinds],
            palette="kind",
            labels=labels,
            values=list(zip(*(days.seconds.get(kind, nothing) for kind in kinds), strict=True)),
            links=links,
        ),
    }


def _items(**lookups: str) -> str:
    return f"{reverse('admin:jobs_item_changelist')}?{urlencode(lookups)}"


def _usage_of(day: date) -> str:
    first, last = (datetime.combine(each, time.min, UTC).isoformat() for each in (day, day + timedelta(days=1)))
    return f"{reverse('admin:accounts_usage_changelist')}?{urlencode({'created_at__gte': first, 'created_at__lt': last})}"
