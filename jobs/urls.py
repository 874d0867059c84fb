from __future__ import annotations

from django.urls import include, path

from jobs.job_views import CancelJob, Items, OneJob, RetryJob
from jobs.views import OneOutput, OutputContent, Outputs
from jobs.worker_views import Workers

urlpatterns = [
    path("jobs/<str:pk>", OneJob.as_view()),
    path("jobs/<str:pk>/items", Items.as_view()),
    path("jobs/<str:pk>/cancel", CancelJob.as_view()),
    path("jobs/<str:pk>/retry", RetryJob.as_view()),
    path("", include("jobs.event_urls")),
    path("workers", Workers.as_view()),
    path("outputs", Outputs.as_view()),
    path("outputs/<str:pk>", OneOutput.as_view()),
    path("outputs/<str:pk>/content", OutputContent.as_view()),
    path("", include("jobs.link_urls")),
    path("", include("jobs.webhook_urls")),
]
