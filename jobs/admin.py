from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import TabularInline

from accounts.listed import Listed
from jobs import services
from jobs.errors import InvalidState
from jobs.models import Item, Job
from jobs.storage_admin import BlobAdmin, OutputAdmin
from jobs.webhook_admin import DeliveryAdmin, WebhookAdmin
from jobs.worker_admin import WorkerAdmin

__all__ = ["BlobAdmin", "DeliveryAdmin", "OutputAdmin", "WebhookAdmin", "WorkerAdmin"]
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
