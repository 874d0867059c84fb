"""Plans in the admin. Before a limit is lowered, its form tells who has more than that now."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.gauges import Over, lowered, whoever_is_over
from accounts.listed import NoYears
from accounts.models import Limits, Plan

LIMITS = [field.name for field in Limits._meta.get_fields()]
ASKED = "_what_if"
# the button that only asks


class PlanForm(forms.ModelForm):
    seen = forms.CharField(required=False, widget=forms.HiddenInput)
    # what of it was told before: whoever saves the same again has read it

    def _get_validation_exclusions(self) -> set[str]:
        """A second default is no mistake: `save_model` takes it from the first."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*exclusions, "is_default"}

    def clean(self) -> dict[str, Any] | None:
        """A ValidationError that tells who would be over the new limits, until it was read, or for whoever only asks."""
        cleaned = super().clean() or {}
        before = Plan.objects.filter(pk=self.instance.pk).first()
        if before is None or self.errors:
            return cleaned
        after = Plan(**{name: cleaned.get(name) for name in LIMITS})
        limits = lowered(before, after)
        over = whoever_is_over(before, limits)
        digest = _digest(limits)
        if ASKED in self.data or (over and cleaned.get("seen") != digest):
            sent: Any = self.data
            self.data = {**sent.dict(), "seen": digest}
            raise ValidationError(
                [*_told(limits, over), "Nothing is saved yet." if ASKED in self.data else "Save again to do it all the same."]
            )
        return cleaned


@admin.register(Plan)
class PlanAdmin(NoYears):
    form = PlanForm
    list_display = [
        "name", "is_default", "people_there_are", "span", "time_zone", "characters", "speech_seconds", "concurrent_jobs",
        "requests_per_minute",
    ]  # fmt: skip
    list_filter = ["is_default", "span"]
    search_fields = ["name"]
    fields = [
        "name",
        "is_default",
        "span",
        "time_zone",
        *LIMITS,
        "reuse_percent",
        "retention_days",
        "upstream_fallback",
        "keep_transcripts",
        "seen",
    ]
    change_form_after_template = "accounts/what_if.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        rows: QuerySet[Plan] = super().get_queryset(request).annotate(number_of_people=Count("people"))
        return rows

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> HttpResponse:
        """Whoever only asked made no mistake: the answer is told as one."""
        errors = context["adminform"].form.errors
        if ASKED in request.POST and set(errors) == {NON_FIELD_ERRORS}:
            for line in errors.pop(NON_FIELD_ERRORS):
                self.message_user(request, line, messages.INFO)
            context["errors"] = None
        rendered: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return rendered

    @admin.display(description="people", ordering="number_of_people")
    def people_there_are(self, plan: Any) -> int:
        """Those who were given it; whoever has no plan has the default."""
        return plan.number_of_people

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


def _told(limits: dict[str, int], over: list[Over]) -> list[str]:
    if not limits:
        return ["No limit would be lower than it is."]
    if not over:
        return [f"Nobody has more now than the new limits allow ({', '.join(limits)})."]
    return [
        f"{each.limit.replace('_', ' ')}: {each.people} {'has' if each.people == 1 else 'have'} more than {each.most} now: "
        f"{', '.join(f'{name} ({has})' for name, has in each.named)}{', and others' if each.people > len(each.named) else ''}."
        for each in over
    ]


def _digest(limits: dict[str, int]) -> str:
    return hashlib.sha256(json.dumps(limits, sort_keys=True).encode()).hexdigest()
