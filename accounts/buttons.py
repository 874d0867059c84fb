"""What staff do to one row, from its page: a button each, that posts; what can't be undone is asked about on a page of its own.

Nothing is done by following a link, and nothing needs a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from config.errors import Refusal

LONGEST_REASON = 500
# characters


def always(_row: Any) -> bool:
    return True


def reason_in(request: HttpRequest) -> str:
    """What was typed as the reason, as a database takes it."""
    return request.POST.get("reason", "").replace("\0", "").strip()[:LONGEST_REASON]


@dataclass(frozen=True, slots=True)
class Button:
    name: str
    # of the desk's method that does it, which takes the request, the row and the reason
    label: str
    permission: str
    # the X of `has_X_permission`
    asks: str = ""
    # what is said before it is done; empty: it is done at once
    reason: str = ""
    # what the field for it is called; empty: none is asked for
    danger: bool = False
    possible: Callable[[Any], bool] = always
    # with the row as it is


class _Desk(Protocol):
    """As much of Django's admin classes as a question needs."""

    model: Any
    admin_site: admin.AdminSite


class Buttons:
    """For an admin class: `buttons` stand above the fields of a row's page."""

    buttons: tuple[Button, ...] = ()
    change_form_outer_before_template = "accounts/buttons.html"
    model: Any
    admin_site: admin.AdminSite

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.model._meta.app_label}_{self.model._meta.model_name}_do"
        return [path("<path:object_id>/do/<slug:button>/", self.admin_site.admin_view(self.do), name=name), *super().get_urls()]  # type: ignore[misc]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any) -> HttpResponse:
        if obj is not None:
            context["buttons"] = [
                {"button": button, "url": self._url("do", quote(obj.pk), button.name)}
                for button in self.buttons
                if button.possible(obj) and self._allowed(request, button)
            ]
        rendered: HttpResponse = super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]
        return rendered

    def do(self, request: HttpRequest, object_id: str, button: str) -> HttpResponse:
        wanted = next((each for each in self.buttons if each.name == button), None)
        row = self.get_object(request, unquote(object_id)) if wanted else None  # type: ignore[attr-defined]
        if wanted is None or row is None:
            raise Http404
        if not self._allowed(request, wanted):
            raise PermissionDenied
        back = HttpResponseRedirect(self._url("change", quote(row.pk)))
        reason = reason_in(request)
        lacking = bool(wanted.reason) and not reason
        if request.method == "POST" and not lacking and (not wanted.asks or "confirmed" in request.POST):
            try:
                done: HttpResponse | None = getattr(self, wanted.name)(request, row, reason)
            except Refusal as refusal:
                self.message_user(request, refusal.message, messages.WARNING)  # type: ignore[attr-defined]
                return back
            return done or back
        if request.method == "POST" and lacking:
            self.message_user(request, f"{wanted.reason}: say so, the owner is told.", messages.WARNING)  # type: ignore[attr-defined]
        if wanted.asks:
            return question(self, request, label=wanted.label, asks=wanted.asks, rows=[row], reason=wanted.reason, danger=wanted.danger)
        return back

    def _allowed(self, request: HttpRequest, button: Button) -> bool:
        return bool(getattr(self, f"has_{button.permission}_permission")(request))

    def _url(self, view: str, *arguments: Any) -> str:
        return reverse(f"admin:{self.model._meta.app_label}_{self.model._meta.model_name}_{view}", args=arguments)


def question(
    desk: _Desk,
    request: HttpRequest,
    *,
    label: str,
    asks: str,
    rows: Iterable[Any],
    action: str = "",
    reason: str = "",
    danger: bool = True,
) -> TemplateResponse:
    """The page that asks whether something is to be done to these rows. Its answer comes to the same address, as `confirmed`."""
    opts = desk.model._meta
    context = {
        **desk.admin_site.each_context(request),
        "title": label,
        "opts": opts,
        "asks": asks,
        "rows": list(rows),
        "action": action,
        "label": label,
        "reason": reason,
        "longest": LONGEST_REASON,
        "danger": danger,
        "back": reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"),
    }
    return TemplateResponse(request, "accounts/question.html", context)


def unconfirmed(desk: _Desk, request: HttpRequest, rows: QuerySet[Any], *, action: str, label: str, asks: str) -> TemplateResponse | None:
    """The question before an action on rows that were chosen in a list; None when it was answered."""
    if "confirmed" in request.POST:
        return None
    return question(desk, request, label=label, asks=asks, rows=rows, action=action)
