"""The admin as a desk: in front, what a person would rather see than read."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from accounts.audit import note, note_download
from accounts.models import Deed, User
from config.desk.panels import panels

FOUND = 302
# what a form that was taken is answered with


class Desk(UnfoldAdminSite):
    index_template = "desk/front.html"
    index_title = "Overview"

    def admin_view(self, view: Callable[..., HttpResponseBase], cacheable: bool = False) -> Callable[..., HttpResponseBase]:
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase = guarded(request, *args, **kwargs)
            note_download(request, response)
            return response

        return noted

    def extra_urls(self) -> list[URLPattern]:
        return [path("figures", self.admin_view(never_cache(self.figures)), name="figures")]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # the theme would write its colours into each page, which its policy forbids; they are in desk.css
        return {**super().each_context(request), "colors": {}}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        front: TemplateResponse = super().index(request, {**panels(request), **(extra_context or {})})
        return front

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response: HttpResponse = super().password_change(request, extra_context)
        if request.method == "POST" and response.status_code == FOUND:
            # Django tells nobody of one's own
            note(request, Deed.CHANGED, [cast(User, request.user)], detail="own password")
        return response

    def figures(self, request: HttpRequest) -> HttpResponse:
        """The front page's panels alone, for a page that is open."""
        return TemplateResponse(request, "desk/panels.html", panels(request))
