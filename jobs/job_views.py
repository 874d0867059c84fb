"""Jobs as their owner sees them. How one is made depends on what is to be made of it, and is said in the rooms above."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTransform
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import caller
from accounts.limits import UserWrites
from accounts.models import Scope
from accounts.replays import Asked, Done, once
from config.errors import InvalidParameter, NotFound
from jobs import services
from jobs.job_serializers import ItemSerializer, JobSerializer, JobStatusSerializer
from jobs.models import Item, Job, State

METADATA = re.compile(r"metadata\[(.{1,64})\]", re.DOTALL)
LATEST = 253_402_300_799
# Unix seconds: the end of the year 9999


def invalid(name: str, expected: str) -> InvalidParameter:
    return InvalidParameter(f"'{name}' must be {expected}.", param=name)


class JobList(generics.ListAPIView[Job]):
    """Your jobs, newest first."""

    scope = Scope.JOBS
    serializer_class = JobSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("state", enum=State.values),
            OpenApiParameter("created_after", OpenApiTypes.INT, description="Unix seconds"),
            OpenApiParameter("created_before", OpenApiTypes.INT, description="Unix seconds"),
            OpenApiParameter("metadata", OpenApiTypes.OBJECT, style="deepObject", description="`metadata[key]=value`, any number of them"),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Your jobs, newest first."""
        return super().get(request, *args, **kwargs)

    @property
    def query_parameters(self) -> list[str]:
        metadata = [name for name in self.request.query_params if METADATA.fullmatch(name)]
        return ["state", "created_after", "created_before", *metadata]

    def get_queryset(self) -> QuerySet[Job]:
        jobs: QuerySet[Job] = Job.objects.of(self.request.user).listed().select_related("webhook")
        asked = self.request.query_params
        if (state := asked.get("state")) is not None:
            jobs = jobs.filter(state=_state(state))
        if (after := asked.get("created_after")) is not None:
            jobs = jobs.filter(created_at__gte=_moment("created_after", after))
        if (before := asked.get("created_before")) is not None:
            jobs = jobs.filter(created_at__lt=_moment("created_before", before))
        for number, (name, value) in enumerate(asked.items()):
            if match := METADATA.fullmatch(name):
                alias = f"metadata_{number}"
                jobs = jobs.alias(**{alias: KeyTransform(match[1], "metadata")}).filter(**{alias: value})
        return jobs


class OneJob(APIView):
    scope = Scope.JOBS

    @extend_schema(responses=JobStatusSerializer)
    def get(self, request: Request, pk: str) -> Response:
        """One job: how far it is, and when it will be done."""
        return Response(status_of(find_job(request, pk)))


class Items(generics.ListAPIView[Item]):
    scope = Scope.JOBS
    serializer_class = ItemSerializer
    paged_by = "position"
    query_parameters = ("state",)

    @extend_schema(parameters=[OpenApiParameter("state", enum=State.values)])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A job's items, in their order."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Item]:
        items: QuerySet[Item] = find_job(self.request, self.kwargs["pk"]).items.all()
        state = self.request.query_params.get("state")
        return items if state is None else items.filter(state=_state(state))


class CancelJob(APIView):
    scope = Scope.JOBS
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses=JobStatusSerializer)
    def post(self, request: Request, pk: str) -> Response:
        """End what is queued and stop what runs; what was made stays, and is charged for. Once more changes nothing."""
        job = find_job(request, pk)
        if job.state != State.CANCELLED:
            services.cancel(job=job)
        return Response(status_of(find_job(request, pk)))


class RetryJob(APIView):
    scope = Scope.JOBS
    throttle_classes = [UserWrites]

    @extend_schema(request=None, responses={202: JobStatusSerializer})
    def post(self, request: Request, pk: str) -> Response:
        """Queue the items that failed once more."""
        job = find_job(request, pk)

        def act() -> Done:
            services.retry(job=job)
            return Done(job.pk)

        once(caller(request).user, Asked.by(request), act)
        return Response(status_of(find_job(request, pk)), status=202)


def find_job(request: Request, pk: str) -> Job:
    job: Job | None = Job.objects.of(request.user).listed().select_related("webhook").filter(pk=pk).first()
    if job is None:
        raise NotFound("There is no such job.")
    return job


def status_of(job: Job) -> Any:
    return JobStatusSerializer(job, context={"now": timezone.now()}).data


def _state(text: str) -> str:
    if text not in State.values:
        raise invalid("state", f"one of {', '.join(State.values)}")
    return text


def _moment(name: str, text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LATEST)) and int(text) <= LATEST):
        raise invalid(name, "a time in Unix seconds")
    return datetime.fromtimestamp(int(text), UTC)
