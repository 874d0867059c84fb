"""Writes into the audit log what staff do: whoever does something in the admin calls `note`, and sign-ins note themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.db.models.functions import Now
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django.urls import ResolverMatch

from accounts.limits import client_address
from accounts.models.audit import LONGEST_NAME, AuditEntry, Deed

ADMIN = "/admin/"
PARTIAL = 206
SERVED = (200, PARTIAL)
ONE_HEARING = timedelta(hours=1)
# in which parts of one file are asked for
NAME_PARTS = 3
# of the name of a view that hands out a file: jobs_output_content


def note(request: HttpRequest, deed: Deed, rows: Iterable[Model] = (), *, detail: str = "", who_name: str = "") -> None:
    """An entry for each row that it was done to, or one where there are none."""
    said = {"detail": detail, **({"who_name": who_name} if who_name else {})}
    AuditEntry.objects.bulk_create([entry(request, deed, **said, **target) for target in _targets(rows) or [{}]])


def note_deed(deed: Deed, rows: Iterable[Model], *, who_name: str, detail: str = "") -> None:
    """The same where there is no request: a command did it."""
    AuditEntry.objects.bulk_create([AuditEntry(deed=deed, who_name=who_name, detail=detail, **target) for target in _targets(rows)])


def _targets(rows: Iterable[Model]) -> list[dict[str, Any]]:
    return [
        {"kind": ContentType.objects.get_for_model(row), "row_id": str(row.pk)[:LONGEST_NAME], "row_name": str(row)[:LONGEST_NAME]}
        for row in rows
    ]


def entry(request: HttpRequest, deed: Deed, **fields: Any) -> AuditEntry:
    who: Any = getattr(request, "user", None)
    known = who is not None and who.is_authenticated
    fields = {"who": who, "who_name": who.get_username(), **fields} if known else fields
    return AuditEntry(deed=deed, address=client_address(request), request_id=getattr(request, "id", ""), **fields)


def note_download(request: HttpRequest, response: HttpResponseBase) -> None:
    """Whoever plays or fetches a file in the admin is in the audit log, once for all the ranges that a player asks for."""
    if request.method == "GET" and response.has_header("Content-Disposition") and response.status_code in SERVED:
        _note_download(request, begins=_begins(response))


def _begins(response: HttpResponseBase) -> bool:
    return response.status_code != PARTIAL or response.headers.get("Content-Range", "").startswith("bytes 0-")


def _note_download(request: HttpRequest, *, begins: bool) -> None:
    """What was handed out is told by the view's name, `jobs_output_content`, and its argument. A later part is noted where the
    beginning was not: whoever leaves that out has heard the rest.
    """
    match: ResolverMatch | None = request.resolver_match
    parts = (match.url_name or "").split("_") if match else []
    kind = ContentType.objects.filter(app_label=parts[0], model=parts[1]).first() if len(parts) >= NAME_PARTS else None
    row_id = str(next(iter(match.kwargs.values()), "")) if match else ""
    named = row_id[:LONGEST_NAME]
    heard = AuditEntry.objects.filter(row_id=named, deed=Deed.HEARD, who=request.user.pk, detail=request.path, at__gt=Now() - ONE_HEARING)
    if not begins and heard.exists():
        return
    entry(request, Deed.HEARD, detail=request.path, kind=kind, row_id=named, row_name=named).save()


@receiver(user_logged_in)
def _signed_in(request: HttpRequest | None = None, user: Any = None, **_: Any) -> None:
    if request is not None and request.path.startswith(ADMIN):
        note(request, Deed.SIGNED_IN, [user], who_name=user.get_username())


@receiver(user_logged_out)
def _signed_out(request: HttpRequest | None = None, user: Any = None, **_: Any) -> None:
    if request is not None and user is not None and request.path.startswith(ADMIN):
        note(request, Deed.SIGNED_OUT, [user], who_name=user.get_username())


@receiver(user_login_failed)
def _not_let_in(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None and request.path.startswith(ADMIN):
        note(request, Deed.NOT_LET_IN, who_name=str(credentials.get("username", ""))[:LONGEST_NAME])
