from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.models import Scope
from jobs.archive import archive
from jobs.connections import give_back
from jobs.errors import NotReady
from jobs.job_views import find_job, invalid
from jobs.models import OPEN
from jobs.negotiation import AnyAccept

ZIP = "application/zip"


class JobArchive(APIView):
    scope = Scope.JOBS
    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[OpenApiParameter("partial", OpenApiTypes.BOOL, description="also of a job that is not over: what there is of it")],
        responses={(200, ZIP): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """The job's outputs as one zip. Its last entry, `manifest.json`, says of every item what it is called there, or why it is not."""
        job = find_job(request, pk)
        if job.state in OPEN and not _partial(request):
            raise NotReady("The job is not over. Wait for its end, or ask for what there is with '?partial=true'.")
        give_back()
        headers = {
            "Cache-Control": "private, no-store",
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=f"{job.pk}.zip") or "",
            "X-Accel-Buffering": "no",
        }
        if request.method == "HEAD":
            return HttpResponse(content_type=ZIP, headers=headers)
        return StreamingHttpResponse(archive(job), content_type=ZIP, headers=headers)


def _partial(request: Request) -> bool:
    asked: str = request.query_params.get("partial", "false")
    if asked not in ("true", "false"):
        raise invalid("partial", "true or false")
    return asked == "true"
