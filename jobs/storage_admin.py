"""Stored bytes in the admin, and what staff may do about how long they are kept."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.listed import Listed
from jobs import storage
from jobs.errors import InvalidState
from jobs.models import Blob, Output


class Holds(Listed):
    """For the admin of outputs: legal holds, and deleting with the files, which a hold refuses."""

    actions = ["forget", "hold", "release"]

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
    def forget(self, request: HttpRequest, outputs: QuerySet[Output]) -> None:
        for output in outputs:
            try:
                with transaction.atomic():
                    self.log_deletions(request, Output.objects.filter(pk=output.pk))
                    storage.forget(output)
            except InvalidState as refusal:
                self.message_user(request, refusal.message, messages.WARNING)
            else:
                self.message_user(request, f"{output}: deleted.", messages.SUCCESS)

    @admin.action(description="Put the selected outputs under legal hold", permissions=["hold"])
    def hold(self, request: HttpRequest, outputs: QuerySet[Output]) -> None:
        self._set_hold(request, outputs, held=True, done="put under legal hold")

    @admin.action(description="Release the selected outputs from legal hold", permissions=["hold"])
    def release(self, request: HttpRequest, outputs: QuerySet[Output]) -> None:
        self._set_hold(request, outputs, held=False, done="released from legal hold")

    def delete_model(self, _request: HttpRequest, output: Output) -> None:
        storage.forget(output)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except InvalidState as refusal:
            self.message_user(request, refusal.message, messages.WARNING)
            return HttpResponseRedirect(reverse("admin:jobs_output_changelist"))

    def _set_hold(self, request: HttpRequest, outputs: QuerySet[Output], *, held: bool, done: str) -> None:
        for output in outputs:
            with transaction.atomic():
                changed = Output.objects.filter(pk=output.pk, legal_hold=not held).update(legal_hold=held)
                if changed:
                    self.log_change(request, output, done)
            if changed:
                self.message_user(request, f"{output}: {done}.", messages.SUCCESS)


@admin.register(Blob)
class BlobAdmin(Listed):
    list_display = ["name", "owner", "bytes", "named_by", "kept_at"]
    list_filter = ["kept_at"]
    search_fields = ["name", "owner__username", "sha256"]
    list_select_related = ["owner"]
    shown = ("named_by",)

    def get_queryset(self, _request: HttpRequest) -> QuerySet[Blob]:
        return Blob.objects.with_names()

    @admin.display(description="named by")
    def named_by(self, blob: Blob) -> int:
        return blob.named_by
