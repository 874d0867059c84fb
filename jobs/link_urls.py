from __future__ import annotations

from django.urls import path

from jobs.link_views import Link, OutputLinks

urlpatterns = [
    path("outputs/<str:pk>/links", OutputLinks.as_view()),
    path("links", Link.as_view(), name="link"),
]
