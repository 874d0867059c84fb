"""Items in the admin: what each is of, what became of it, and what that means."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from accounts.asking import ask, is_answered
from accounts.listed import Listed
from accounts.models import Usage
from config.errors import Refusal
from jobs import services
from jobs.explanations import meaning
from jobs.job_admin import COLOURS
from jobs.job_filters import Actor, Reason
from jobs.models import OPEN, Item, Output, State
from jobs.progress import ago, took
from jobs.searching import Found


@admin.register(Item)
class ItemAdmin(Found, Listed):
    list_display = ["id", "job", "owner", "labelled", "attempt", "worker", "format", "error_code", "age", "span"]
    list_filter = ["state", Reason, Actor, "created_at"]
    list_select_related = ["job", "owner"]
    list_per_page = 50
    ordering = ["-id"]
    names_of = {"item_": "pk", "job_": "job_id", "out_": "output_id"}
    actions_detail = ["cancel_this", "retry_this"]
    shown = ("labelled", "meaning", "tries", "span", "listen", "charged")

    def has_operate_permission(self, request: HttpRequest, _object_id: Any = None) -> bool:
        return request.user.has_perm("jobs.change_item")

    @display(description="state", ordering="state", label=COLOURS)
    def labelled(self, item: Item) -> str:
        return item.state

    @admin.display(description="what the error means", empty_value="")
    def meaning(self, item: Item) -> str | None:
        return meaning(item.error_code) if item.error_code else None

    @admin.display(description="attempts")
    def tries(self, item: Item) -> str:
        return f"{item.attempt} of {item.attempts_allowed}" + (f", the last by {item.worker}" if item.worker else "")

    @admin.display(description="made", ordering="id")
    def age(self, item: Item) -> str:
        return ago(item.created_at)

    @admin.display(description="took", empty_value="")
    def span(self, item: Item) -> str | None:
        return took(item.started_at, item.finished_at)

    @admin.display(description="output", empty_value="none is kept")
    def listen(self, item: Item) -> str | None:
        output = Output.objects.filter(item=item).first()
        if output is None:
            return None
        source = reverse("admin:jobs_output_content", args=[output.pk])
        return format_html(
            '<audio controls preload="none" src="{}" aria-label="Output {}"></audio> <a href="{}" class="text-link">{}</a>',
            source,
            output.pk,
            reverse("admin:jobs_output_change", args=[output.pk]),
            output.pk,
        )

    @admin.display(description="charged", empty_value="nothing")
    def charged(self, item: Item) -> str | None:
        usage = Usage.objects.filter(item_id=item.pk).first()
        return None if usage is None else f"{usage.characters} characters, {usage.seconds:.1f} s" + (" (reused)" if usage.reused else "")

    @action(description="Cancel", permissions=["operate"], icon="cancel", variant=ActionVariant.DANGER, url_path="cancel")
    def cancel_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item = get_object_or_404(Item, pk=object_id)
        if not is_answered(request):
            text = "If no worker has it, it ends at once; else its worker is asked to stop."
            return ask(self, request, title="Cancel this item", text=text, submit="Cancel the item", back=self._page(item))
        if item.state in OPEN and services.stop(item=item):
            self._done(request, item, "cancelled")
        else:
            self.message_user(request, f"{item}: it is {item.state}.", messages.WARNING)
        return HttpResponseRedirect(self._page(item))

    @action(description="Retry", permissions=["operate"], icon="replay", url_path="retry")
    def retry_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        item = get_object_or_404(Item.objects.select_related("job"), pk=object_id)
        if not is_answered(request):
            text = "It is queued again, within what its owner's plan allows."
            return ask(self, request, title="Retry this item", text=text, submit="Retry", back=self._page(item))
        try:
            if item.state != State.FAILED:
                self.message_user(request, f"{item}: it is {item.state}.", messages.WARNING)
            else:
                services.retry(job=item.job, only=Q(pk=item.pk))
                self._done(request, item, "queued again")
        except Refusal as refusal:
            self.message_user(request, f"{item}: {refusal.message}", messages.WARNING)
        return HttpResponseRedirect(self._page(item))

    def _done(self, request: HttpRequest, item: Item, done: str) -> None:
        self.log_change(request, item, done)
        self.message_user(request, f"{item}: {done}.", messages.SUCCESS)

    def _page(self, item: Item) -> str:
        return reverse("admin:jobs_item_change", args=[item.pk])
