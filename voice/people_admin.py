"""People in the admin, with what only the uppermost room knows of them: where their rows are, and the end of an account."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.buttons import Button
from accounts.models import Removal, User
from accounts.people_admin import PeopleAdmin
from voice import removals

WAYS = {
    "Jobs": "jobs_job",
    "Outputs": "jobs_output",
    "Voices": "voice_voice",
    "Consents": "voice_consent",
    "Live sessions": "voice_livesession",
    "Webhooks": "jobs_webhook",
    "Usage": "accounts_usage",
}
# lists that a person's page leads to

admin.site.unregister(User)


def _removable(user: User) -> bool:
    return not Removal.objects.in_force().filter(owner=user).exists()


@admin.register(User)
class PersonAdmin(PeopleAdmin):
    buttons = (
        *PeopleAdmin.buttons,
        Button(
            "remove_one",
            "Delete the account and everything it stored",
            "remove",
            asks="Outputs, voices, samples, consents, lexicons, jobs, keys and their files go, for good; the ledger stays without a name. "
            "It is refused while something is under legal hold.",
            danger=True,
            possible=_removable,
        ),
    )

    def has_delete_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        """Not by Django's own way, which would leave the files behind."""
        return False

    def has_remove_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.delete_user")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any) -> HttpResponse:
        if obj is not None:
            context["ways"] = [(label, f"{reverse(f'admin:{name}_changelist')}?owner__id__exact={obj.pk}") for label, name in WAYS.items()]
            context["removal"] = Removal.objects.filter(owner=obj).first()
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def remove_one(self, request: HttpRequest, user: User, _reason: str) -> None:
        if not self.has_change_permission(request, user):
            raise PermissionDenied
        removal = removals.begin(owner=user, by=cast(User, request.user))
        self.log_change(request, user, f"deleting the account and {removal.total} rows and files that it stored")
        self.message_user(request, f"{user}: it is being deleted; reload this page for how far it is.", messages.SUCCESS)
