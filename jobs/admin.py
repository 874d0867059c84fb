from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join

from accounts.listed import Listed
from jobs.content import content
from jobs.errand_admin import ErrandAdmin
from jobs.failure_admin import FailureAdmin
from jobs.item_admin import ItemAdmin
from jobs.job_admin import JobAdmin
from jobs.models import Output, Worker
from jobs.storage_admin import Holds
from jobs.webhook_admin import DeliveryAdmin, WebhookAdmin

__all__ = ["DeliveryAdmin", "ErrandAdmin", "FailureAdmin", "ItemAdmin", "JobAdmin", "WebhookAdmin"]
# Django looks for what is registered in this module only


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
