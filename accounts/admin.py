from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.audit_admin import AuditAdmin
from accounts.key_admin import ApiKeyAdmin, SignInAdmin
from accounts.listed import Listed, NoYears
from accounts.models import Replay
from accounts.people_admin import PeopleAdmin
from accounts.plan_admin import PlanAdmin
from accounts.quota_admin import QuotaAdmin, UsageAdmin
from accounts.roles import Role
from accounts.settings_admin import SettingsAdmin

__all__ = ["ApiKeyAdmin", "AuditAdmin", "PeopleAdmin", "PlanAdmin", "QuotaAdmin", "SettingsAdmin", "SignInAdmin", "UsageAdmin"]
# Django looks for what is registered in this module only

admin.site.unregister(Group)
# Django's own page of it lacks the desk's looks


@admin.register(Group)
class RoleAdmin(NoYears, GroupAdmin):
    """The product's own roles are as this version says, whatever was changed here: so nothing is."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        # each permission names its kind of row: without this, in a statement of its own
        return super().get_queryset(request).prefetch_related("permissions__content_type")

    def has_change_permission(self, request: HttpRequest, group: Group | None = None) -> bool:
        return (group is None or group.name not in set(Role)) and super().has_change_permission(request, group)

    def has_delete_permission(self, request: HttpRequest, group: Group | None = None) -> bool:
        return (group is None or group.name not in set(Role)) and super().has_delete_permission(request, group)


@admin.register(Replay)
class ReplayAdmin(Listed):
    list_display = ["__str__", "owner", "subject", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["owner__username"]
    search_help_text = "How its owner's name begins"
    found_by = ()
    list_select_related = ["owner"]
    exclude = ["key"]
    has_delete_permission = admin.ModelAdmin.has_delete_permission  # type: ignore[assignment]  # with its owner

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by the key either: a list of what begins like this would tell it letter by letter."""
        return not lookup.startswith("key") and super().lookup_allowed(lookup, value, request)
