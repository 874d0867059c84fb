"""The failure inbox: what failed lately, by reason, what of it is new, and what to do about all of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime

from accounts.asking import ask, is_answered
from accounts.listed import Listed
from jobs import failures
from jobs.doing import do
from jobs.models import Failure, Job

DEFAULT_SPAN = "day"
LONGEST_CODE = 64


@admin.register(Failure)
class FailureAdmin(Listed):
    list_display = ["code"]

    def get_urls(self) -> list[URLPattern]:
        return [
            path("retry", self.admin_site.admin_view(self.retry_all), name="jobs_failure_retry"),
            path("seen", self.admin_site.admin_view(self.mark_seen), name="jobs_failure_seen"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The inbox, in place of the rows that say what was seen."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        span = _span(request.GET)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": "Failure inbox",
            "media": self.media,
            "span": span,
            "spans": failures.SPANS,
            "groups": failures.groups(failures.since(span)),
            "may_retry": self.has_retry_permission(request),
            "may_mark": self.has_mark_permission(request),
        }
        return TemplateResponse(request, "desk_failures.html", context)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_item")

    def has_mark_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("jobs.change_failure")

    def retry_all(self, request: HttpRequest) -> HttpResponse:
        """Ask first: it may be a hundred thousand."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        code, span = _code(request), _span(request.POST)
        since = failures.since(span)
        failed = failures.failed(since).filter(error_code=code)
        back = self._inbox(span)
        if not is_answered(request):
            number = failed.count()
            text = f"{number} items that failed for {code} within the last {span} are queued again, as far as their owners' plans allow."
            hidden = [("code", code), ("span", span)]
            return ask(self, request, title=f"Retry what failed: {code}", text=text, submit="Retry all", back=back, hidden=hidden)
        jobs = Job.objects.filter(pk__in=failed.values("job"))
        return do(self, request, "retry_failed_for", jobs, {"code": code, "since": since.isoformat()}) or HttpResponseRedirect(back)

    def mark_seen(self, request: HttpRequest) -> HttpResponse:
        """What failed until the page was looked at is not new any more."""
        if not self.has_mark_permission(request):
            raise PermissionDenied
        code, until = _code(request), _moment(request.POST.get("until", ""))
        row = failures.mark_seen(code, until=until, by=request.user)
        self.log_change(request, row, f"seen, until {until:%Y-%m-%d %H:%M:%S}")
        self.message_user(request, f"{code}: seen. What fails from now on is new.", messages.SUCCESS)
        return HttpResponseRedirect(self._inbox(_span(request.POST)))

    def _inbox(self, span: str) -> str:
        return f"{reverse('admin:jobs_failure_changelist')}?span={span}"


def _span(fields: Any) -> str:
    span = fields.get("span", "")
    return span if span in failures.SPANS else DEFAULT_SPAN


def _code(request: HttpRequest) -> str:
    code = request.POST.get("code", "")
    if not code.isprintable() or not 0 < len(code) <= LONGEST_CODE:
        raise Http404
    return code


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Http404
    return moment
