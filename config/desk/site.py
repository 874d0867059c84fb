"""The admin as a desk: in front, what a person would rather see than read."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from unfold.sites import UnfoldAdminSite

from config.desk.panels import panels


class Desk(UnfoldAdminSite):
    index_template = "desk/front.html"
    index_title = "Overview"

    def extra_urls(self) -> list[URLPattern]:
        return [path("figures", self.admin_view(never_cache(self.figures)), name="figures")]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        # the theme would write its colours into each page, which its policy forbids; they are in desk.css
        return {**super().each_context(request), "colors": {}}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        front: TemplateResponse = super().index(request, {**panels(request), **(extra_context or {})})
        return front

    def figures(self, request: HttpRequest) -> HttpResponse:
        """The front page's panels alone, for a page that is open."""
        return TemplateResponse(request, "desk/panels.html", panels(request))
