"""Jobs in the admin: how far each is, what failed and why, and what staff may do about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.asking import Priority, ask, is_answered
from accounts.listed import Listed
from jobs.doing import do
from jobs.job_filters import Kind
from jobs.models import Item, Job, State
from jobs.progress import BAD, DONE, NEUTRAL, ago, bar, took
from jobs.searching import Found

COLOURS = {State.QUEUED: "info", State.RUNNING: "primary", State.COMPLETED: "success", State.FAILED: "danger", State.CANCELLED: "warning"}
SHORT = 80
# characters of a text where there are many
FIRST, LAST = 9, 0
# priorities


class Items(TabularInline):
    """A page of them at a time; the list of items finds the rest."""

    model = Item
    fields = readonly_fields = ("number", "labelled", "attempt", "said", "why")
    show_change_link = True
    per_page = 20
    max_num = 0
    can_delete = False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    @admin.display(description="item")
    def number(self, item: Item) -> str:
        return format_html(
            '<a href="{}" class="text-link">{}</a>', reverse("admin:jobs_item_change", args=[item.pk]), item.ref or item.position
        )

    @display(description="state", label=COLOURS)
    def labelled(self, item: Item) -> str:
        return item.state

    @admin.display(description="text")
    def said(self, item: Item) -> str:
        return Truncator(item.text).chars(SHORT)

    @admin.display(description="error", empty_value="")
    def why(self, item: Item) -> str | None:
        return f"{item.error_code}: {item.error_message}" if item.error_code else None


@admin.register(Job)
class JobAdmin(Found, Listed):
    list_display = ["id", "owner", "kind", "labelled", "progress", "priority", "age", "span"]
    list_filter = ["state", Kind, "created_at"]
    list_select_related = ["owner"]
    list_per_page = 50
    ordering = ["-id"]
    names_of = {"job_": "pk"}
    inlines = [Items]
    actions = ["cancel", "retry", "first", "last"]
    actions_detail = ["cancel_this", "retry_this", "move_this"]
    shown = ("progress", "its_items", "age", "span")

    def has_operate_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        return request.user.has_perm("jobs.change_job")

    @display(description="state", ordering="state", label=COLOURS)
    def labelled(self, job: Job) -> str:
        return job.state

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        return bar(job.total, [("completed", job.completed, DONE), ("failed", job.failed, BAD), ("cancelled", job.cancelled, NEUTRAL)])

    @admin.display(description="made", ordering="id")
    def age(self, job: Job) -> str:
        return ago(job.created_at)

    @admin.display(description="took", empty_value="")
    def span(self, job: Job) -> str | None:
        return took(job.started_at, job.finished_at)

    @admin.display(description="its items")
    def its_items(self, job: Job) -> str:
        page = f"{reverse('admin:jobs_item_changelist')}?job__id__exact={job.pk}"
        counts = [(State.COMPLETED, job.completed), (State.FAILED, job.failed), (State.CANCELLED, job.cancelled)]
        links = [(f"{page}&state__exact={state}", f"{number} {state}") for state, number in counts if number]
        return format_html_join(", ", '<a href="{}" class="text-link">{}</a>', [(page, f"all {job.total}"), *links])

    # ── From the list ───────────────────────────────────────────────────────────────────────────────────────────────────────

    @admin.action(description="Cancel the selected jobs", permissions=["operate"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return do(self, request, "cancel", jobs)

    @admin.action(description="Try the failed items of the selected jobs again", permissions=["operate"])
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return do(self, request, "retry", jobs)

    @admin.action(description="Put the selected jobs before their owners' others", permissions=["operate"])
    def first(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return do(self, request, "move", jobs, {"priority": FIRST})

    @admin.action(description="Put the selected jobs behind their owners' others", permissions=["operate"])
    def last(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        return do(self, request, "move", jobs, {"priority": LAST})

    # ── From a job's page ───────────────────────────────────────────────────────────────────────────────────────────────────

    @action(description="Cancel", permissions=["operate"], icon="cancel", variant=ActionVariant.DANGER, url_path="cancel")
    def cancel_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "What is queued ends at once, and what is being made is stopped. What is made already stays."
        return self._confirm(request, object_id, "cancel", title="Cancel this job", text=text, submit="Cancel the job")

    @action(description="Retry failed", permissions=["operate"], icon="replay", url_path="retry")
    def retry_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        text = "Its failed items are queued again, within what its owner's plan allows."
        return self._confirm(request, object_id, "retry", title="Retry what failed", text=text, submit="Retry")

    @action(description="Priority", permissions=["operate"], icon="low_priority", url_path="priority")
    def move_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = get_object_or_404(Job, pk=object_id)
        form = Priority(request.POST if is_answered(request) else None, initial={"priority": job.priority})
        text = "What of it still waits is put before or behind the other jobs of the same owner. What somebody listens to never waits."
        return self._confirm(request, object_id, "move", title="Change the priority", text=text, submit="Change it", form=form)

    def _confirm(self, request: HttpRequest, object_id: str, name: str, **page: Any) -> HttpResponse:
        """Ask, and with the answer do it."""
        job = get_object_or_404(Job, pk=object_id)
        back = reverse("admin:jobs_job_change", args=[job.pk])
        form = page.get("form")
        if not is_answered(request) or (form is not None and not form.is_valid()):
            return ask(self, request, back=back, **page)
        done = do(self, request, name, Job.objects.filter(pk=job.pk), form.cleaned_data if form is not None else None)
        return done or HttpResponseRedirect(back)
