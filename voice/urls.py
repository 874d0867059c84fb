from __future__ import annotations

from django.urls import path

from voice.views import Jobs, Models, OneModel, Voices, speech

urlpatterns = [
    path("jobs", Jobs.as_view()),
    path("audio/speech", speech),
    path("audio/voices", Voices.as_view()),
    path("models", Models.as_view()),
    path("models/<str:name>", OneModel.as_view()),
]
