"""What the admin of jobs can do with voices: the same texts by another one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action

from accounts.asking import ask, is_answered
from accounts.ids import new_id
from jobs.doing import do
from jobs.job_admin import JobAdmin
from jobs.models import Item, Job
from voice import respeaking
from voice.models import Voice

MOST_AT_ONCE = 100
# jobs that are chosen by hand
TEXT = (
    "A new job of the same texts is made for the same owner, by the voice that you choose. It counts against his plan, and the job "
    "that there is stays as it is."
)

admin.site.unregister(Job)
# this one can do all that that one can, and more


class Choice(forms.Form):
    voice = forms.ModelChoiceField(
        Voice.objects.usable(),
        widget=AutocompleteSelect(Item._meta.get_field("voice"), admin.site),
        help_text="a stock voice, or one of the owner's own",
    )


@admin.register(Job)
class VoicedJobAdmin(JobAdmin):
    actions = [*JobAdmin.actions, "speak_by"]
    actions_detail = [*JobAdmin.actions_detail, "speak_this_by"]

    @admin.action(description="Make the selected jobs again by another voice …", permissions=["operate"])
    def speak_by(self, request: HttpRequest, jobs: QuerySet[Job]) -> HttpResponse | None:
        ids = list(jobs.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(ids) > MOST_AT_ONCE:
            self.message_user(request, f"Choose up to {MOST_AT_ONCE} jobs.", "warning")
            return None
        hidden = [("action", "speak_by"), *((ACTION_CHECKBOX_NAME, job_id) for job_id in ids)]
        return self._speak(request, Job.objects.filter(pk__in=ids), back=reverse("admin:jobs_job_changelist"), hidden=hidden)

    @action(description="Another voice", permissions=["operate"], icon="record_voice_over", url_path="voice")
    def speak_this_by(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._speak(request, Job.objects.filter(pk=unquote(object_id)), back=reverse("admin:jobs_job_change", args=[object_id]))

    def _speak(self, request: HttpRequest, jobs: QuerySet[Job], *, back: str, **page: Any) -> HttpResponse:
        form = Choice(request.POST if is_answered(request) else None)
        if not form.is_bound or not form.is_valid():
            return ask(self, request, title="Make it again by another voice", text=TEXT, submit="Make it", back=back, form=form, **page)
        options = {"voice": form.cleaned_data["voice"].pk, "asked": new_id("ask")}
        return do(self, request, respeaking.speak_by.__name__, jobs, options) or HttpResponseRedirect(back)
