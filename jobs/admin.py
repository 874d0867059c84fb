from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline

from accounts.listed import Listed
from jobs import services
from jobs.content import content
from jobs.errors import InvalidState
from jobs.models import Item, Job, Output, Worker
from jobs.storage_admin import Holds
from jobs.webhook_admin import DeliveryAdmin, WebhookAdmin

__all__ = ["DeliveryAdmin", "WebhookAdmin"]
# Django looks for what is registered in this module only


class Items(TabularInline):
    model = Item
    fields = ("id", "state", "attempt", "format", "text", "error_code", "error_message")
    readonly_fields = ("id", "state", "attempt", "format", "text", "error_code", "error_message")
    show_change_link = True
    max_num = 0
    can_delete = False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


@admin.register(Job)
class JobAdmin(Listed):
    list_display = ["id", "owner", "kind", "state", "total", "completed", "failed", "cancelled", "created_at", "finished_at"]
    list_filter = ["state", "kind", "created_at"]
    search_fields = ["id", "owner__username"]
    list_select_related = ["owner"]
    inlines = [Items]
    actions = ["cancel", "retry"]

    @admin.action(description="Cancel the selected jobs")
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._act(request, jobs, lambda job: services.cancel(job=job), "cancelled")

    @admin.action(description="Try the failed items of the selected jobs again")
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._act(request, jobs, lambda job: services.retry(job=job), "queued again")

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_job")

    has_retry_permission = has_cancel_permission
    cancel.allowed_permissions = retry.allowed_permissions = ["cancel"]  # type: ignore[attr-defined]

    def _act(self, request: HttpRequest, jobs: QuerySet[Job], act: Callable[[Job], object], done: str) -> None:
        for job in jobs:
            try:
                act(job)
            except InvalidState as refusal:
                self.message_user(request, f"{job}: {refusal.message}", messages.WARNING)
            else:
                self.log_change(request, job, done)
                self.message_user(request, f"{job}: {done}.", messages.SUCCESS)


@admin.register(Item)
class ItemAdmin(Listed):
    list_display = ["id", "job", "owner", "state", "attempt", "worker", "format", "error_code", "created_at"]
    list_filter = ["state", "error_code", "format", "actor", "created_at"]
    search_fields = ["id", "job__id", "owner__username", "error_code"]
    list_select_related = ["job", "owner"]


@admin.register(Output)
class OutputAdmin(Holds):
    list_display = ["id", "owner", "format", "seconds", "bytes", "created_at", "player"]
    list_filter = ["format", "created_at"]
    search_fields = ["id", "owner__username", "job__id", "sha256"]
    list_select_related = ["owner"]
    shown = ("player", "text")

    def get_urls(self) -> list[URLPattern]:
        return [path("<str:pk>/content", self.admin_site.admin_view(self.content), name="jobs_output_content"), *super().get_urls()]

    @admin.display(description="listen")
    def player(self, output: Output) -> str:
        source = reverse("admin:jobs_output_content", args=[output.pk])
        return format_html('<audio controls preload="none" src="{}" aria-label="Output {}"></audio>', source, output.pk)

    @admin.display(description="text")
    def text(self, output: Output) -> str:
        return output.item.text

    def content(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return content(request, get_object_or_404(Output, pk=pk))


@admin.register(Worker)
class WorkerAdmin(Listed):
    list_display = ["id", "threads", "queues", "computes_on", "holds", "busy", "started_at", "seen_at"]

    @admin.display(description="Device")
    def computes_on(self, worker: Worker) -> str:
        used, total = worker.device.get("memory_used"), worker.device.get("memory_total")
        memory = f", {filesizeformat(used)} of {filesizeformat(total)}" if total else ""
        return f"{worker.device.get('device', '')}{memory}"

    @admin.display(description="Models in memory")
    def holds(self, worker: Worker) -> str:
        return ", ".join(f"{model['name']} ({filesizeformat(model['bytes'])})" for model in worker.loaded)

    @admin.display(description="Busy with")
    def busy(self, worker: Worker) -> str:
        links = [(reverse("admin:jobs_item_change", args=[pk]), pk) for pk in worker.items]
        joined: str = format_html_join(", ", '<a href="{}">{}</a>', links)
        return joined
