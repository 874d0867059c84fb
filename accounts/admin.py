from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.listed import Listed, NoYears
from accounts.models import ApiKey, SignIn, Usage, User

admin.site.site_header = admin.site.site_title = "Voice platform"


@admin.register(User)
class PeopleAdmin(NoYears, UserAdmin):
    list_filter = ["is_active", "is_staff", "is_superuser", "date_joined"]


def _mark(desk: admin.ModelAdmin, request: HttpRequest, rows: list[Any], done: str) -> None:
    """Write an action into the rows' history and tell whoever did it."""
    for row in rows:
        desk.log_change(request, row, done)
    desk.message_user(request, f"{len(rows)} {done}.", messages.SUCCESS)


@admin.register(ApiKey)
class ApiKeyAdmin(Listed):
    list_display = ["id", "name", "owner", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["created_at", "revoked_at"]
    search_fields = ["id", "name", "owner__username"]
    list_select_related = ["owner"]
    actions = ["revoke"]
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        _mark(self, request, [key for key in keys if key.revoke()], "revoked")


@admin.register(SignIn)
class SignInAdmin(Listed):
    list_display = ["id", "owner", "created_at", "rotated_at", "expires_at", "ended_at"]
    list_filter = ["created_at", "ended_at"]
    search_fields = ["id", "owner__username"]
    list_select_related = ["owner"]
    exclude = ["token_id", "used_token_id"]
    actions = ["end"]
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_signin")

    @admin.action(description="End the selected sign-ins", permissions=["end"])
    def end(self, request: HttpRequest, sign_ins: QuerySet[SignIn]) -> None:
        _mark(self, request, [sign_in for sign_in in sign_ins if sign_in.end()], "ended")


@admin.register(Usage)
class UsageAdmin(Listed):
    list_display = ["item_id", "owner", "kind", "characters", "seconds", "voice", "model", "created_at"]
    list_filter = ["kind", "model", "created_at"]
    search_fields = ["item_id", "owner__username", "voice"]
    list_select_related = ["owner"]
