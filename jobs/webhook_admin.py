from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.listed import Listed
from jobs import webhooks
from jobs.models import Delivery, Webhook


def _act(desk: Listed, request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], bool], *, done: str, not_done: str) -> None:
    """Do it to each row, write it into the row's history, and say of each whether it was done."""
    for row in rows:
        if act(row):
            desk.log_change(request, row, done)
            desk.message_user(request, f"{row}: {done}.", messages.SUCCESS)
        else:
            desk.message_user(request, f"{row}: {not_done}.", messages.WARNING)


@admin.register(Webhook)
class WebhookAdmin(Listed):
    list_display = ["id", "owner", "url", "every_job", "failing_since", "disabled_at", "created_at"]
    list_filter = ["every_job", "failing_since", "disabled_at", "created_at"]
    search_fields = ["id", "url", "owner__username"]
    list_select_related = ["owner"]
    actions = ["enable", "disable"]

    def has_change_state_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_webhook")

    @admin.action(description="Enable the selected webhooks", permissions=["change_state"])
    def enable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        _act(self, request, rows, webhooks.enable, done="enabled", not_done="is neither disabled nor failing")

    @admin.action(description="Disable the selected webhooks", permissions=["change_state"])
    def disable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        _act(self, request, rows, webhooks.disable, done="disabled", not_done="is disabled already")


@admin.register(Delivery)
class DeliveryAdmin(Listed):
    list_display = ["id", "webhook", "owner", "event", "state", "attempt", "response_status", "error", "due_at", "created_at"]
    list_filter = ["state", "event", "response_status", "created_at"]
    search_fields = ["id", "webhook__id", "job__id", "owner__username", "error"]
    list_select_related = ["webhook", "owner"]
    actions = ["send_again"]

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_delivery")

    @admin.action(description="Send the selected deliveries again", permissions=["send"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        _act(self, request, rows, webhooks.send_again, done="sent again", not_done="has not failed, or its webhook is disabled")
