"""What is stored in the admin: heard, downloaded, held, deleted with its files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.buttons import Button, Buttons, unconfirmed
from accounts.filters import one_of
from accounts.listed import Listed
from accounts.readable import pretty
from jobs import storage
from jobs.content import content
from jobs.errors import InvalidState
from jobs.models import Blob, Output

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm", "json")
# of outputs
PLAYED = ("audio/mpeg", "audio/ogg", "audio/aac", "audio/flac", "audio/wav")
# what browsers play
EXCERPT = 80
# characters of a text that a list shows
FOR_GOOD = "They are deleted with their files, for good. What is under legal hold stays."


def _held(output: Output) -> bool:
    return output.legal_hold


def _free(output: Output) -> bool:
    return not output.legal_hold


class Holds(Buttons, Listed):
    """For the admin of outputs: legal holds, and deleting with the files, which a hold refuses."""

    actions = ["forget", "hold", "release"]
    buttons = (
        Button("hold_one", "Put under legal hold", "hold", possible=_free),
        Button(
            "release_one",
            "Release from legal hold",
            "hold",
            asks="From then on it may be deleted, and retention removes it.",
            possible=_held,
        ),
    )

    def has_delete_permission(self, request: HttpRequest, _obj: Any = None) -> bool:
        return request.user.has_perm("jobs.delete_output")

    def has_hold_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_output")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Django's own way of deleting would leave the files behind."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @admin.action(description="Delete the selected outputs and their files", permissions=["delete"])
    def forget(self, request: HttpRequest, outputs: QuerySet[Output]) -> HttpResponse | None:
        if asked := unconfirmed(self, request, outputs, action="forget", label="Delete outputs and their files", asks=FOR_GOOD):
            return asked
        for output in outputs:
            try:
                with transaction.atomic():
                    self.log_deletions(request, Output.objects.filter(pk=output.pk))
                    storage.forget(output)
            except InvalidState as refusal:
                self.message_user(request, refusal.message, messages.WARNING)
            else:
                self.message_user(request, f"{output}: deleted.", messages.SUCCESS)
        return None

    @admin.action(description="Put the selected outputs under legal hold", permissions=["hold"])
    def hold(self, request: HttpRequest, outputs: QuerySet[Output]) -> None:
        self._set_hold(request, outputs, held=True, done="put under legal hold")

    @admin.action(description="Release the selected outputs from legal hold", permissions=["hold"])
    def release(self, request: HttpRequest, outputs: QuerySet[Output]) -> None:
        self._set_hold(request, outputs, held=False, done="released from legal hold")

    def hold_one(self, request: HttpRequest, output: Output, _reason: str) -> None:
        self._set_hold(request, [output], held=True, done="put under legal hold")

    def release_one(self, request: HttpRequest, output: Output, _reason: str) -> None:
        self._set_hold(request, [output], held=False, done="released from legal hold")

    def delete_model(self, _request: HttpRequest, output: Output) -> None:
        storage.forget(output)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except InvalidState as refusal:
            self.message_user(request, refusal.message, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:jobs_output_changelist"))

    def _set_hold(self, request: HttpRequest, outputs: Iterable[Output], *, held: bool, done: str) -> None:
        for output in outputs:
            with transaction.atomic():
                changed = Output.objects.filter(pk=output.pk, legal_hold=not held).update(legal_hold=held)
                if changed:
                    self.log_change(request, output, done)
            if changed:
                self.message_user(request, f"{output}: {done}.", messages.SUCCESS)


@admin.register(Output)
class OutputAdmin(Holds):
    list_display = ["id", "player", "said", "spoken_by", "owner", "format", "length", "size", "held", "goes", "created_at", "download"]
    list_filter = [("owner", AutocompleteSelectFilter), one_of("format", lambda: FORMATS), "legal_hold", "created_at"]
    list_filter_submit = True
    search_fields = ["id", "owner__username", "job__id"]
    search_help_text = "An output's or a job's id, or how its owner's name begins"
    found_by = ("pk", "job_id")
    list_select_related = ["owner", "item"]
    exclude = ["configuration", "reuse_key", "legal_hold", "expires_at"]
    shown = ("player", "download", "text", "voice", "model_name", "held", "goes", "settings")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Output]:
        rows: QuerySet[Output] = super().get_queryset(request)
        return rows.select_related("item", "job", "owner")

    def get_urls(self) -> list[URLPattern]:
        return [path("<str:pk>/content", self.admin_site.admin_view(self.content), name="jobs_output_content"), *super().get_urls()]

    @admin.display(description="listen")
    def player(self, output: Output) -> str:
        if output.media_type not in PLAYED:
            return f"{output.format}: to be downloaded"
        return format_html('<audio controls preload="none" src="{}" aria-label="Output {}"></audio>', _source(output), output.pk)

    @admin.display(description="download")
    def download(self, output: Output) -> str:
        return format_html('<a href="{}" download="{}">Download</a>', _source(output), output.filename)

    @admin.display(description="text")
    def said(self, output: Output) -> str:
        return Truncator(output.item.text).chars(EXCERPT)

    @admin.display(description="text")
    def text(self, output: Output) -> str:
        return output.item.text

    @admin.display(description="voice")
    def spoken_by(self, output: Output) -> str:
        return str(output.configuration.get("voice", ""))

    @admin.display(description="voice")
    def voice(self, output: Output) -> str:
        return str(output.configuration.get("voice", ""))

    @admin.display(description="model")
    def model_name(self, output: Output) -> str:
        return str(output.configuration.get("model", ""))

    @admin.display(description="seconds")
    def length(self, output: Output) -> str:
        return f"{output.seconds:.1f}"

    @admin.display(description="size")
    def size(self, output: Output) -> str:
        return filesizeformat(output.bytes)

    @display(description="legal hold", label={"held": "warning"})
    def held(self, output: Output) -> str | None:
        return "held" if output.legal_hold else None

    @admin.display(description="goes")
    def goes(self, output: Output) -> str:
        """When retention removes it."""
        if output.legal_hold:
            return "not while it is held"
        return "when it is deleted" if output.expires_at is None else f"{output.expires_at:%Y-%m-%d %H:%M} UTC"

    @admin.display(description="settings that made it")
    def settings(self, output: Output) -> str:
        return pretty(output.configuration)

    def content(self, request: HttpRequest, pk: str) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return content(request, get_object_or_404(Output.objects.select_related("blob"), pk=pk))


@admin.register(Blob)
class BlobAdmin(Listed):
    list_display = ["name", "owner", "size", "named_by", "kept_at"]
    list_filter = [("owner", AutocompleteSelectFilter), "kept_at"]
    list_filter_submit = True
    search_fields = ["name", "owner__username"]
    search_help_text = "A file's whole name, or how its owner's name begins"
    found_by = ("pk",)
    list_select_related = ["owner"]
    shown = ("named_by", "size")

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Blob]:
        return Blob.objects.with_names()

    @admin.display(description="named by")
    def named_by(self, blob: Blob) -> int:
        return blob.named_by

    @admin.display(description="size")
    def size(self, blob: Blob) -> str:
        return filesizeformat(blob.bytes)


def _source(output: Output) -> str:
    return reverse("admin:jobs_output_content", args=[output.pk])
