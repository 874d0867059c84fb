"""What staff are shown in place of a page that can't be: words, where the API answers with codes."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponse
from django.template.loader import render_to_string

from config.errors import Refusal

WORDS = {
    400: ("That request was not understood", "Go back and try once more; a link may have been cut off."),
    403: ("This is not yours to do", "Your role does not allow it. An administrator can give you another."),
    404: ("There is nothing here", "It may have been deleted, or the address has a slip in it."),
    500: ("Something went wrong here", "It is written down in the log under the number below. Try again in a moment."),
    503: ("Not available now", "The database or another service does not answer. Try again in a moment."),
}
STALE = (
    "This form is too old",
    "You have signed in anew since it was shown, or it lay for too long. Go back, reload the page, and send it again.",
)


def shown(request: HttpRequest, refusal: Refusal, words: tuple[str, str] | None = None) -> HttpResponse:
    """A page of its own: it needs neither the database nor a session, for those may be what failed."""
    status = refusal.status if refusal.status in WORDS else 400
    title, hint = words or WORDS[status]
    context = {"title": title, "hint": hint, "status": refusal.status, "request_id": getattr(request, "id", "")}
    return HttpResponse(render_to_string("desk/fault.html", context), status=refusal.status)
