from __future__ import annotations

from django.urls import path

from voice.lexicon_views import Lexicons, OneLexicon
from voice.views import Jobs, Models, OneModel, SpeechPreview, Voices, speech

urlpatterns = [
    path("jobs", Jobs.as_view()),
    path("audio/speech", speech),
    path("audio/speech/preview", SpeechPreview.as_view()),
    path("audio/voices", Voices.as_view()),
    path("lexicons", Lexicons.as_view()),
    path("lexicons/<str:pk>", OneLexicon.as_view()),
    path("models", Models.as_view()),
    path("models/<str:name>", OneModel.as_view()),
]
