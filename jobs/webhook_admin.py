"""Webhooks in the admin: what was sent there, what came back, and sending it again. Their secrets are shown nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from accounts.buttons import Button, Buttons
from accounts.filters import one_of
from accounts.listed import Listed
from accounts.readable import pretty
from jobs import webhooks
from jobs.models import Delivery, Webhook
from jobs.models.webhooks import DeliveryState

IN_THE_LOG = 25
# deliveries on a webhook's page
EVENTS = ("job.completed", "job.failed", "job.cancelled", "webhook.test")
LABELS = {DeliveryState.PENDING.value: "info", DeliveryState.DELIVERED.value: "success", DeliveryState.FAILED.value: "danger"}


def _act(desk: Any, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], bool], *, done: str, not_done: str) -> None:
    """Do it to each row, write it into the row's history, and say of each whether it was done."""
    for row in rows:
        if act(row):
            desk.log_change(request, row, done)
            desk.message_user(request, f"{row}: {done}.", messages.SUCCESS)
        else:
            desk.message_user(request, f"{row}: {not_done}.", messages.WARNING)


def _enabled(webhook: Webhook) -> bool:
    return webhook.disabled_at is None


def _disabled_or_failing(webhook: Webhook) -> bool:
    return webhook.disabled_at is not None or webhook.failing_since is not None


def _failed(delivery: Delivery) -> bool:
    return delivery.state == DeliveryState.FAILED


@admin.register(Webhook)
class WebhookAdmin(Buttons, Listed):
    list_display = ["id", "owner", "url", "state", "every_job", "failing_since", "disabled_at", "created_at"]
    list_filter = ["every_job", "failing_since", "disabled_at", "created_at"]
    search_fields = ["id", "url", "owner__username"]
    search_help_text = "A webhook's id, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner"]
    actions = ["enable", "disable"]
    shown = ("state",)
    buttons = (
        Button("enable_one", "Enable", "change_state", possible=_disabled_or_failing),
        Button("try_one", "Send a test", "change_state", possible=_enabled),
        Button(
            "disable_one",
            "Disable",
            "change_state",
            asks="What is on its way is given up, and nothing more is sent there.",
            possible=_enabled,
        ),
    )
    change_form_outer_after_template = "jobs/deliveries.html"

    def has_change_state_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_webhook")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any) -> HttpResponse:
        if obj is not None:
            before = request.GET.get("before", "")
            log = Delivery.objects.filter(webhook=obj).order_by("-pk")
            page = list((log.filter(pk__lt=before) if before else log)[: IN_THE_LOG + 1])
            context["deliveries"] = page[:IN_THE_LOG]
            context["more_before"] = page[IN_THE_LOG - 1].pk if len(page) > IN_THE_LOG else ""
            context["may_send"] = request.user.has_perm("jobs.change_delivery")
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @display(description="state", label={"sent to": "success", "failing": "warning", "disabled": "danger"})
    def state(self, webhook: Webhook) -> str:
        if webhook.disabled_at is not None:
            return "disabled"
        return "failing" if webhook.failing_since is not None else "sent to"

    def enable_one(self, request: HttpRequest, webhook: Webhook, _reason: str) -> None:
        _act(self, request, [webhook], webhooks.enable, done="enabled", not_done="is neither disabled nor failing")

    def disable_one(self, request: HttpRequest, webhook: Webhook, _reason: str) -> None:
        _act(self, request, [webhook], webhooks.disable, done="disabled", not_done="is disabled already")

    def try_one(self, request: HttpRequest, webhook: Webhook, _reason: str) -> None:
        delivery = webhooks.try_out(webhook)
        self.log_change(request, webhook, f"sent a test, {delivery}")
        self.message_user(request, f"{delivery} is on its way; reload this page for what comes back.", messages.SUCCESS)

    @admin.action(description="Enable the selected webhooks", permissions=["change_state"])
    def enable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        _act(self, request, rows, webhooks.enable, done="enabled", not_done="is neither disabled nor failing")

    @admin.action(description="Disable the selected webhooks", permissions=["change_state"])
    def disable(self, request: HttpRequest, rows: QuerySet[Webhook]) -> None:
        _act(self, request, rows, webhooks.disable, done="disabled", not_done="is disabled already")


@admin.register(Delivery)
class DeliveryAdmin(Buttons, Listed):
    list_display = ["id", "webhook", "owner", "event", "state_label", "attempt", "response_status", "error", "due_at", "created_at"]
    list_filter = ["state", one_of("event", lambda: EVENTS), "created_at"]
    search_fields = ["id", "webhook__id", "owner__username"]
    search_help_text = "A delivery's or a webhook's id, or how its owner's name begins"
    found_by = ("pk", "webhook_id")
    list_select_related = ["webhook", "owner"]
    exclude = ["payload", "response"]
    shown = ("sent", "came_back")
    actions = ["send_again"]
    buttons = (Button("send_one", "Send again", "send", possible=_failed),)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_delivery")

    @display(description="state", ordering="state", label=LABELS)
    def state_label(self, delivery: Delivery) -> str:
        return delivery.state

    @admin.display(description="what was sent")
    def sent(self, delivery: Delivery) -> str:
        return pretty(webhooks.event(delivery))

    @admin.display(description="what came back", empty_value="nothing")
    def came_back(self, delivery: Delivery) -> str | None:
        return pretty(delivery.response) if delivery.response else None

    def send_one(self, request: HttpRequest, delivery: Delivery, _reason: str) -> None:
        self._send(request, [delivery])

    @admin.action(description="Send the selected deliveries again", permissions=["send"])
    def send_again(self, request: HttpRequest, rows: QuerySet[Delivery]) -> None:
        self._send(request, rows)

    def _send(self, request: HttpRequest, rows: Iterable[Delivery]) -> None:
        _act(self, request, rows, webhooks.send_again, done="sent again", not_done="has not failed, or its webhook is disabled")
