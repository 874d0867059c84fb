"""People in the admin: what each may use and uses, his keys and sign-ins, and letting him in no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import StackedInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import quotas
from accounts.bars import bar
from accounts.buttons import Button, Buttons, unconfirmed
from accounts.gauges import standings
from accounts.listed import NoYears
from accounts.models import Limits, Override, Removal, User

IN_A_SECTION = 20
# rows of each kind on the page of a person
BLOCKED = (
    "His tokens and keys open nothing any more, and his sockets end within seconds. What he has stays, and is his again once unblocked."
)

OUT_OF_REACH = "a superuser's account is changed by superusers only."


class Overrides(StackedInline):
    model = Override
    verbose_name = "what differs from the plan"

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """Beside each field, what the plan says."""
        formset = super().get_formset(request, obj, **kwargs)
        plan = quotas.allowance(obj).plan if obj is not None else quotas.UNLIMITED
        for limit in Limits._meta.get_fields():
            if field := formset.form.base_fields.get(limit.name):
                value = getattr(plan, limit.name)
                field.help_text = f"{field.help_text}; the plan: {'no limit' if value is None else value}"
        return formset


def _let_in(user: User) -> bool:
    return user.is_active


def _within_reach(request: HttpRequest, user: User) -> bool:
    """Whether whoever asks may change this account: a superuser's may be changed by superusers only."""
    return not user.is_superuser or cast(User, request.user).is_superuser


def _blocked(user: User) -> bool:
    return not user.is_active and not Removal.objects.in_force().filter(owner=user).exists()


@admin.register(User)
class PeopleAdmin(Buttons, NoYears, UserAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "first_name", "last_name", "state", "is_staff", "plan", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "plan", "date_joined"]
    list_select_related = ["plan"]
    fieldsets = (*(UserAdmin.fieldsets or ()), ("What he may use", {"fields": ["plan"]}))
    actions = ["block", "unblock"]
    buttons: tuple[Button, ...] = (
        Button("block_one", "Block", "block", asks=BLOCKED, danger=True, possible=_let_in),
        Button("unblock_one", "Unblock", "block", possible=_blocked),
    )
    change_form_outer_before_template = "accounts/person.html"

    def get_inlines(self, _request: HttpRequest, user: User | None) -> list[type[InlineModelAdmin]]:
        return [Overrides] if user else []

    def has_change_permission(self, request: HttpRequest, user: User | None = None) -> bool:
        return (user is None or _within_reach(request, user)) and super().has_change_permission(request, user)

    def get_readonly_fields(self, request: HttpRequest, user: User | None = None) -> list[str]:
        """Nobody makes a superuser who is none, nor gives out rights who may not change groups: he could give them to himself."""
        fields = list(super().get_readonly_fields(request, user))
        if not request.user.has_perm("auth.change_group"):
            fields += ["is_staff", "groups", "user_permissions"]
        return fields if cast(User, request.user).is_superuser else [*fields, "is_superuser"]

    def has_block_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any) -> HttpResponse:
        if obj is not None:
            allowed = quotas.allowance(obj)
            context["plan_in_force"] = allowed.plan
            context["period"] = allowed
            context["standings"] = [
                (each.limit.replace("_", " "), bar(each.used, each.reserved, each.most)) for each in standings(obj, allowed)
            ]
            context["keys"] = obj.api_keys.order_by("-created_at")[:IN_A_SECTION]
            context["sign_ins"] = obj.sign_ins.order_by("-created_at")[:IN_A_SECTION]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @display(description="state", ordering="is_active", label={"let in": "success", "blocked": "danger"})
    def state(self, user: User) -> str:
        return "let in" if user.is_active else "blocked"

    def block_one(self, request: HttpRequest, user: User, _reason: str) -> None:
        self._set_active(request, [user], to=False, done="blocked")

    def unblock_one(self, request: HttpRequest, user: User, _reason: str) -> None:
        self._set_active(request, [user], to=True, done="unblocked")

    @admin.action(description="Block the selected people", permissions=["block"])
    def block(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        if asked := unconfirmed(self, request, users, action="block", label="Block people", asks=BLOCKED):
            return asked
        self._set_active(request, users, to=False, done="blocked")
        return None

    @admin.action(description="Unblock the selected people", permissions=["block"])
    def unblock(self, request: HttpRequest, users: QuerySet[User]) -> None:
        self._set_active(request, users, to=True, done="unblocked")

    def _set_active(self, request: HttpRequest, users: Iterable[User], *, to: bool, done: str) -> None:
        for user in users:
            if user == request.user:
                self.message_user(request, "You would lock yourself out. Let another do that.", messages.WARNING)
            elif not _within_reach(request, user):
                self.message_user(request, f"{user}: {OUT_OF_REACH}", messages.WARNING)
            elif to and Removal.objects.in_force().filter(owner=user).exists():
                self.message_user(
                    request, f"{user}: the account is deleted, or about to be. Nobody is let into it any more.", messages.WARNING
                )
            elif User.objects.filter(pk=user.pk, is_active=not to).update(is_active=to):
                self.log_change(request, user, done)
                self.message_user(request, f"{user}: {done}.", messages.SUCCESS)
