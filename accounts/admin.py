from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.audit_admin import AuditAdmin
from accounts.listed import Listed, NoYears
from accounts.models import ApiKey, Limits, Override, Plan, Quota, Replay, SignIn, Usage, User
from accounts.models.ledger import MILLISECONDS
from accounts.roles import Role
from accounts.usage import COUNTERS, limit_in_force

__all__ = ["AuditAdmin"]
# Django looks for what is registered in this module only

admin.site.unregister(Group)
# Django's own page of it lacks the desk's looks

WHOLE = 100
# per cent


class Overrides(StackedInline):
    model = Override
    verbose_name = "what differs from the plan"


@admin.register(User)
class PeopleAdmin(NoYears, UserAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "first_name", "last_name", "is_staff", "plan"]
    list_filter = ["is_active", "is_staff", "is_superuser", "plan", "date_joined"]
    list_select_related = ["plan"]
    fieldsets = (*(UserAdmin.fieldsets or ()), ("What he may use", {"fields": ["plan"]}))

    def get_inlines(self, _request: HttpRequest, user: User | None) -> list[type[InlineModelAdmin]]:
        return [Overrides] if user else []


@admin.register(Group)
class RoleAdmin(NoYears, GroupAdmin):
    """The product's own roles are as this version says, whatever was changed here: so nothing is."""

    def has_change_permission(self, request: HttpRequest, group: Group | None = None) -> bool:
        return (group is None or group.name not in set(Role)) and super().has_change_permission(request, group)

    def has_delete_permission(self, request: HttpRequest, group: Group | None = None) -> bool:
        return (group is None or group.name not in set(Role)) and super().has_delete_permission(request, group)


class PlanForm(forms.ModelForm):
    def _get_validation_exclusions(self) -> set[str]:
        """A second default is no mistake: `save_model` takes it from the first."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*exclusions, "is_default"}


@admin.register(Plan)
class PlanAdmin(NoYears):
    form = PlanForm
    list_display = ["name", "is_default", "span", "time_zone", "characters", "speech_seconds", "concurrent_jobs", "requests_per_minute"]
    list_filter = ["is_default", "span"]
    search_fields = ["name"]
    fields = [
        "name",
        "is_default",
        "span",
        "time_zone",
        *(field.name for field in Limits._meta.get_fields()),
        "reuse_percent",
        "retention_days",
        "upstream_fallback",
        "keep_transcripts",
    ]

    @transaction.atomic
    def save_model(self, request: HttpRequest, plan: Plan, form: Any, change: bool) -> None:
        if plan.is_default:
            # every plan is locked, so that of two who choose a default at once the second takes it from the first
            list(Plan.objects.select_for_update().order_by("pk"))
            for other in Plan.objects.filter(is_default=True).exclude(pk=plan.pk):
                other.is_default = False
                other.save(update_fields=["is_default"])
                self.log_change(request, other, f"No longer the default: {plan} is.")
        super().save_model(request, plan, form, change)


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
    list_display = ["item_id", "owner", "kind", "characters", "seconds", "reused", "voice", "model", "period_starts_at", "created_at"]
    list_filter = ["kind", "model", "reused", "period_starts_at", "created_at"]
    search_fields = ["item_id", "owner__username", "voice"]
    list_select_related = ["owner"]


@admin.register(Quota)
class QuotaAdmin(Listed):
    """What is used of each period, beside the limits that hold today."""

    list_display = [
        "owner",
        "starts_at",
        "ends_at",
        "characters",
        "characters_reserved",
        "characters_limit",
        "characters_used",
        "speech",
        "transcription",
        "conversion",
    ]
    list_filter = ["starts_at", "ends_at", "owner__plan"]
    search_fields = ["owner__username"]
    list_select_related = ["owner"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quota]:
        quotas: QuerySet[Quota] = super().get_queryset(request)
        return quotas.annotate(**{f"{name}_limit": limit_in_force(name, owner="owner__") for name in COUNTERS})

    @admin.display(description="characters at most", empty_value="no limit")
    def characters_limit(self, quota: Any) -> int | None:
        return quota.characters_limit

    @admin.display(description="characters used", empty_value="")
    def characters_used(self, quota: Any) -> str | None:
        return _percent(quota.characters, quota.characters_limit)

    @admin.display(description="speech, in seconds")
    def speech(self, quota: Any) -> str:
        return _seconds(quota, "speech")

    @admin.display(description="transcription, in seconds")
    def transcription(self, quota: Any) -> str:
        return _seconds(quota, "transcription")

    @admin.display(description="conversion, in seconds")
    def conversion(self, quota: Any) -> str:
        return _seconds(quota, "conversion")


@admin.register(Replay)
class ReplayAdmin(Listed):
    list_display = ["__str__", "owner", "subject", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["subject", "owner__username"]
    list_select_related = ["owner"]
    exclude = ["key"]
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by the key either: a list of what begins like this would tell it letter by letter."""
        return not lookup.startswith("key") and super().lookup_allowed(lookup, value, request)


def _seconds(quota: Any, kind: str) -> str:
    used, reserved, limit = getattr(quota, f"{kind}_ms"), getattr(quota, f"{kind}_ms_reserved"), getattr(quota, f"{kind}_seconds_limit")
    text = f"{used / MILLISECONDS:.1f} + {reserved / MILLISECONDS:.1f} reserved"
    return text if limit is None else f"{text} of {limit} ({_percent(used, limit * MILLISECONDS)})"


def _percent(used: int, limit: int | None) -> str | None:
    if limit is None:
        return None
    return f"{used * WHOLE // limit if limit else WHOLE} %"
