"""API keys and sign-ins in the admin: who uses what, and the end of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.buttons import Button, Buttons, unconfirmed
from accounts.listed import Listed
from accounts.models import ApiKey, SignIn

LABELS = {"good": "success", "expired": "", "revoked": "danger", "ended": ""}
REVOKED = "Whoever uses such a key is let in no more, and open sockets end within seconds. It can't be taken back."


def _mark(desk: admin.ModelAdmin, request: HttpRequest, rows: list[Any], done: str) -> None:
    """Write an action into the rows' history and tell whoever did it."""
    for row in rows:
        desk.log_change(request, row, done)
    desk.message_user(request, f"{len(rows)} {done}.", messages.SUCCESS)


def _unrevoked(key: ApiKey) -> bool:
    return key.revoked_at is None


def _lasting(sign_in: SignIn) -> bool:
    return sign_in.ended_at is None


@admin.register(ApiKey)
class ApiKeyAdmin(Buttons, Listed):
    list_display = ["id", "name", "owner", "state", "may", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = [("owner", AutocompleteSelectFilter), "created_at", "revoked_at"]
    list_filter_submit = True
    search_fields = ["id", "owner__username"]
    search_help_text = "A key's id, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner"]
    shown = ("state",)
    actions = ["revoke"]
    buttons = (Button("revoke_one", "Revoke", "revoke", asks=REVOKED, danger=True, possible=_unrevoked),)
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner

    @display(description="state", label=LABELS)
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return "revoked"
        return "expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "good"

    @admin.display(description="scopes")
    def may(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    def revoke_one(self, request: HttpRequest, key: ApiKey, _reason: str) -> None:
        _mark(self, request, [key] if key.revoke() else [], "revoked")

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> HttpResponse | None:
        if asked := unconfirmed(self, request, keys, action="revoke", label="Revoke keys", asks=REVOKED):
            return asked
        _mark(self, request, [key for key in keys if key.revoke()], "revoked")
        return None


@admin.register(SignIn)
class SignInAdmin(Buttons, Listed):
    list_display = ["id", "owner", "state", "created_at", "rotated_at", "expires_at", "ended_at"]
    list_filter = [("owner", AutocompleteSelectFilter), "created_at", "ended_at"]
    list_filter_submit = True
    search_fields = ["id", "owner__username"]
    search_help_text = "A sign-in's id, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner"]
    exclude = ["token_id", "used_token_id"]
    shown = ("state",)
    actions = ["end"]
    buttons = (Button("end_one", "End", "end", possible=_lasting),)
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner

    @display(description="state", label=LABELS)
    def state(self, sign_in: SignIn) -> str:
        if sign_in.ended_at is not None:
            return "ended"
        return "expired" if sign_in.expires_at <= timezone.now() else "good"

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_signin")

    def end_one(self, request: HttpRequest, sign_in: SignIn, _reason: str) -> None:
        _mark(self, request, [sign_in] if sign_in.end() else [], "ended")

    @admin.action(description="End the selected sign-ins", permissions=["end"])
    def end(self, request: HttpRequest, sign_ins: QuerySet[SignIn]) -> None:
        _mark(self, request, [sign_in for sign_in in sign_ins if sign_in.end()], "ended")
