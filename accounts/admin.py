from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import ApiKey, SignIn, Usage, User

admin.site.register(User, UserAdmin)


class Listed(admin.ModelAdmin):
    """Rows that are made elsewhere: looked at here, and changed by actions only."""

    show_full_result_count = False

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by `__year`, which no list here links to and which raises for a year that is none."""
        return not lookup.endswith("__year") and super().lookup_allowed(lookup, value, request)

    def _mark(self, request: HttpRequest, rows: list[Any], done: str) -> None:
        for row in rows:
            self.log_change(request, row, done)
        self.message_user(request, f"{len(rows)} {done}.", messages.SUCCESS)


@admin.register(ApiKey)
class ApiKeyAdmin(Listed):
    list_display = ["id", "name", "owner", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = ["created_at", "revoked_at"]
    search_fields = ["id", "name", "owner__username"]
    list_select_related = ["owner"]
    actions = ["revoke"]

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_apikey")

    @admin.action(description="Revoke the selected keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        self._mark(request, [key for key in keys if key.revoke()], "revoked")


@admin.register(SignIn)
class SignInAdmin(Listed):
    list_display = ["id", "owner", "created_at", "rotated_at", "expires_at", "ended_at"]
    list_filter = ["created_at", "ended_at"]
    search_fields = ["id", "owner__username"]
    list_select_related = ["owner"]
    exclude = ["token_id"]
    actions = ["end"]

    def has_end_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_signin")

    @admin.action(description="End the selected sign-ins", permissions=["end"])
    def end(self, request: HttpRequest, sign_ins: QuerySet[SignIn]) -> None:
        self._mark(request, [sign_in for sign_in in sign_ins if sign_in.end()], "ended")


@admin.register(Usage)
class UsageAdmin(Listed):
    list_display = ["item_id", "owner", "kind", "characters", "seconds", "voice", "model", "created_at"]
    list_filter = ["kind", "model", "created_at"]
    search_fields = ["item_id", "owner__username", "voice"]
    list_select_related = ["owner"]
