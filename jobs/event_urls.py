from __future__ import annotations

from django.urls import path

from jobs.archive_views import JobArchive
from jobs.event_views import JobEvents

urlpatterns = [
    path("jobs/<str:pk>/archive", JobArchive.as_view()),
    path("jobs/<str:pk>/events", JobEvents.as_view()),
]
