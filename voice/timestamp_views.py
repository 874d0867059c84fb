from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Scope
from config.errors import InvalidParameter
from jobs import timestamps
from jobs.negotiation import AnyAccept
from jobs.views import find_output
from voice.serializers import TimestampsSerializer
from voice.subtitles import srt, vtt
from voice.timing import ASKED, Timestamps

SUBTITLES = {"srt": (srt, "application/x-subrip; charset=utf-8"), "vtt": (vtt, "text/vtt; charset=utf-8")}
FORMATS = ("json", *SUBTITLES)


class OutputTimestamps(APIView):
    scope = Scope.OUTPUTS
    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="v1_outputs_timestamps",
        parameters=[OpenApiParameter("format", str, enum=FORMATS, default="json", description="srt and vtt have a cue for each sentence")],
        responses={
            (200, "application/json"): TimestampsSerializer,
            (200, "application/x-subrip"): OpenApiTypes.STR,
            (200, "text/vtt"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """When the words and sentences of an output are said, in seconds and in the spelling of its text, where that was asked for."""
        for name in request.query_params:
            if name != "format":
                raise InvalidParameter.unknown(name)
        form = request.query_params.get("format", FORMATS[0])
        if form not in FORMATS:
            raise InvalidParameter(f"'format' must be one of {', '.join(FORMATS)}.", param="format")
        output = find_output(request, pk)
        told = Timestamps.unpacked(timestamps.kept(output))
        if form not in SUBTITLES:
            return Response({"object": "output.timestamps", **told.shown(output.configuration.get(ASKED, ()))})
        written, media_type = SUBTITLES[form]
        disposition = content_disposition_header(as_attachment=True, filename=f"{output.pk}.{form}") or ""
        return HttpResponse(written(told.sentences), content_type=media_type, headers={"Content-Disposition": disposition})
