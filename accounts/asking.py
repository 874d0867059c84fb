"""A page of the admin that asks before something is done: what it would do, what more must be said, and the button that does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminIntegerFieldWidget

GO = "go"
# the field that is posted with the answer; without it the page is only asked for


def is_answered(request: HttpRequest) -> bool:
    return request.method == "POST" and GO in request.POST


def ask(
    desk: Any,
    request: HttpRequest,
    *,
    title: str,
    text: str,
    submit: str,
    back: str,
    form: forms.Form | None = None,
    hidden: Iterable[tuple[str, str]] = (),
) -> TemplateResponse:
    """The page. `hidden` are the fields that are to come back with the answer."""
    context = {
        **desk.admin_site.each_context(request),
        "opts": desk.model._meta,
        "title": title,
        "text": text,
        "submit": submit,
        "back": back,
        "form": form,
        "hidden": [*hidden, (GO, "yes")],
        "media": desk.media + (form.media if form else forms.Media()),
    }
    return TemplateResponse(request, "desk_ask.html", context)


class Priority(forms.Form):
    priority = forms.IntegerField(
        min_value=0,
        max_value=9,
        widget=UnfoldAdminIntegerFieldWidget({"min": 0, "max": 9}),
        help_text="0 to 9 among the jobs of its owner: the highest first. Nobody else's job waits longer or shorter.",
    )
