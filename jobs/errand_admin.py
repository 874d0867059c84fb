"""Errands in the admin: how far each is, and what was refused."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from accounts.listed import Listed
from jobs.models import Errand
from jobs.progress import BAD, DONE, ago, bar, took

LOOK_AGAIN = 3
# seconds after which the page of one that is not over asks for itself


@admin.register(Errand)
class ErrandAdmin(Listed):
    list_display = ["id", "deed", "who_name", "progress", "age", "span"]
    list_filter = ["created_at"]
    ordering = ["-id"]
    exclude = ["job_ids", "notes", "taken_until"]
    shown = ("progress", "span", "came_of_it")

    @admin.display(description="progress")
    def progress(self, errand: Errand) -> str:
        return bar(errand.total, [("done", errand.done - errand.refused, DONE), ("refused", errand.refused, BAD)])

    @admin.display(description="begun", ordering="id")
    def age(self, errand: Errand) -> str:
        return ago(errand.created_at)

    @admin.display(description="took")
    def span(self, errand: Errand) -> str | None:
        return took(errand.created_at, errand.finished_at)

    @admin.display(description="what came of it", empty_value="nothing yet")
    def came_of_it(self, errand: Errand) -> str | None:
        lines = [
            (reverse("admin:jobs_job_change", args=[each["job"]]), each["job"], each.get("done") or each["refused"])
            for each in errand.notes
        ]
        return (
            format_html("<ul>{}</ul>", format_html_join("", '<li><a href="{}" class="text-link">{}</a>: {}</li>', lines)) if lines else None
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().change_view(request, object_id, form_url, extra_context)
        if Errand.objects.open().filter(pk=object_id).exists():
            response["Refresh"] = str(LOOK_AGAIN)
        return response
