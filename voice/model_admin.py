"""Models in the admin: registered, offered, tried, and loaded or unloaded on one worker now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from accounts.buttons import Button, Buttons
from accounts.listed import NoYears
from accounts.readable import lasting
from jobs.models import Instruction, InstructionState, Verb, Worker
from voice import registry
from voice.models import Model, ModelAlias, Voice

NEURAL = "neural"
# how the names of the queues begin that only workers read which can run models
MEASURED = (
    "engine", "task", "languages", "translates", "clones", "rate", "verbatim", "phonetic", "timed", "slowest", "fastest",
)  # fmt: skip
# what workers found out


class ModelForm(forms.ModelForm):
    """A new model: a name that its engine knows, or a folder on the workers. Staff are the operator; no request names a location."""

    class Meta:
        model = Model
        fields = ["name", "engine", "location", "licence", "preference", "enabled"]

    engine = forms.ChoiceField(
        choices=[(name, name) for name in registry.ENGINES],
        help_text="coqui speaks, whisper transcribes",
        widget=UnfoldAdminSelectWidget,
    )
    location = forms.CharField(
        max_length=500,
        help_text="a name such as tts_models/en/vctk/vits, or small of Whisper's, or a folder on the workers",
        widget=UnfoldAdminTextInputWidget,
    )


class Aliases(TabularInline):
    model = ModelAlias
    fields = ["name"]
    extra = 0
    verbose_name_plural = "names that stand for it"


class Held(ChangeList):
    """A list whose models know which workers hold them: one look at the workers for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        workers = list(Worker.objects.alive())
        for model in self.result_list:
            model.holders = [worker.pk for worker in workers for loaded in worker.loaded if loaded["name"] == model.name]


def _loadable(model: Model) -> bool:
    return bool(model.location)


@admin.register(Model)
class ModelAdmin(Buttons, NoYears):
    """Engines are written by the workers; staff register models, and decide which are offered and preferred."""

    list_display = ["name", "engine", "task", "licence", "voices_there_are", "preference", "enabled", "state", "in_memory", "checked_at"]
    list_filter = ["enabled", "task"]
    search_fields = ["name", "location"]
    actions = ["try_out"]
    inlines = [Aliases]
    buttons = (Button("try_one", "Try it on a worker", "change", possible=_loadable),)
    change_form_outer_after_template = "voice/model_workers.html"

    def get_changelist(self, _request: HttpRequest, **_kwargs: Any) -> type[ChangeList]:
        return Held

    def get_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        rows: QuerySet[Model] = super().get_queryset(request).annotate(number_of_voices=Count("voices"))
        return rows

    def get_urls(self) -> list[URLPattern]:
        return [
            path("<path:object_id>/instruction/", self.admin_site.admin_view(self.send), name="voice_model_instruction"),
            *super().get_urls(),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, **(kwargs if change else {"form": ModelForm, **kwargs}))

    def get_inlines(self, _request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else []

    def get_fields(self, _request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return list(ModelForm.Meta.fields)
        return ["name", "state", "location", "licence", "preference", "enabled", *MEASURED, "checked_at", "created_at"]

    def get_readonly_fields(self, _request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return []
        known = ["name", "state", *MEASURED, "checked_at", "created_at"]
        return known if obj.location else [*known, "location"]

    def save_model(self, request: HttpRequest, model: Model, form: Any, change: bool) -> None:
        if not change:
            for name, value in registry.origin(model.engine).items():
                setattr(model, name, value)
        super().save_model(request, model, form, change)
        if model.location:
            registry.ask_to_check(model.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """With a model its voices go, and nobody's own are to go unasked."""
        mine = Voice.objects.exclude(owner=None)
        used = (mine if obj is None else mine.filter(model=obj)).exists()
        return not used and super().has_delete_permission(request, obj)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any) -> HttpResponse:
        if obj is not None and obj.location:
            context["workers"] = list(_workers(obj))
            context["may_send"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    @display(description="state", label={"works": "success", "not tried": "info"})
    def state(self, model: Model) -> str:
        """Red with the problem, where there is one."""
        if model.problem:
            return model.problem
        return "works" if model.checked_at or not model.location else "not tried"

    @admin.display(description="voices", ordering="number_of_voices")
    def voices_there_are(self, model: Any) -> int:
        return model.number_of_voices

    @admin.display(description="in memory of", empty_value="")
    def in_memory(self, model: Any) -> str | None:
        links = ((reverse("admin:jobs_worker_change", args=[pk]), pk) for pk in model.holders)
        joined: str = format_html_join(", ", '<a href="{}">{}</a>', links)
        return joined or None

    def send(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask one worker to load the model, or to let go of it."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        model = get_object_or_404(Model.objects.exclude(location=""), pk=object_id)
        worker = Worker.objects.alive().filter(pk=request.POST.get("worker", "").replace("\0", "")).first()
        verb = request.POST.get("verb", "")
        if request.method == "POST" and verb in Verb.values:
            if worker is None:
                self.message_user(request, "That worker is gone.", messages.WARNING)
            else:
                Instruction.objects.create(worker=worker, verb=verb, subject=model.name)
                self.log_change(request, model, f"asked {worker} to {verb} it")
                self.message_user(request, f"{worker} was asked to {verb} it; reload this page for what came of it.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:voice_model_change", args=[model.pk]))

    def try_one(self, request: HttpRequest, model: Model, _reason: str) -> None:
        self._try(request, [model])

    @admin.action(description="Try the selected models on a worker", permissions=["change"])
    def try_out(self, request: HttpRequest, models: Any) -> None:
        self._try(request, list(models.exclude(location="")))

    def _try(self, request: HttpRequest, models: list[Model]) -> None:
        for model in models:
            registry.ask_to_check(model.pk)
            self.log_change(request, model, "to be tried on a worker")
        self.message_user(request, f"{len(models)} models will be tried; reload this page for what came of it.")


def _workers(model: Model) -> Iterator[dict[str, Any]]:
    """Each worker that could hold the model, and how it stands there."""
    workers = [worker for worker in Worker.objects.alive().order_by("pk") if any(queue.startswith(NEURAL) for queue in worker.queues)]
    latest: dict[str, Instruction] = {
        instruction.worker_id: instruction for instruction in Instruction.objects.filter(subject=model.name).order_by("pk")
    }
    for worker in workers:
        loaded = next((each for each in worker.loaded if each["name"] == model.name), None)
        instruction = latest.get(worker.pk)
        under_way = instruction is not None and instruction.state in (InstructionState.ASKED, InstructionState.BEGUN)
        yield {
            "worker": worker,
            "device": worker.device.get("device", ""),
            "state": _told(loaded),
            "instruction": instruction,
            "under_way": under_way,
            "verb": Verb.UNLOAD if loaded else Verb.LOAD,
        }


def _told(loaded: dict[str, Any] | None) -> str:
    if loaded is None:
        return "not in memory"
    used = f"used by {loaded['users']}" if loaded["users"] else f"idle for {lasting(timedelta(seconds=loaded['idle']))}"
    return f"in memory, {filesizeformat(loaded['bytes'])}, {used}"
