from __future__ import annotations

from django.urls import path

from jobs.views import OneOutput, OutputContent, Outputs

urlpatterns = [
    path("outputs", Outputs.as_view()),
    path("outputs/<str:pk>", OneOutput.as_view()),
    path("outputs/<str:pk>/content", OutputContent.as_view()),
]
