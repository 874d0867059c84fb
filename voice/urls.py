from __future__ import annotations

from django.urls import path

from voice.consent_views import Consents, OneConsent, Phrases, RevokeConsent
from voice.conversion_views import conversion
from voice.lexicon_views import Lexicons, OneLexicon
from voice.live_views import ClientSecrets, EndLiveSession, LiveSessions, OneLiveSession
from voice.timestamp_views import OutputTimestamps
from voice.views import Jobs, Models, OneModel, SpeechPreview, speech
from voice.voice_views import OneSample, OneVoice, Samples, Voices

urlpatterns = [
    path("jobs", Jobs.as_view()),
    path("audio/speech", speech),
    path("audio/voice_consents", Consents.as_view()),
    path("audio/voice_consents/phrases", Phrases.as_view()),
    path("audio/voice_consents/<str:pk>", OneConsent.as_view()),
    path("audio/voice_consents/<str:pk>/revoke", RevokeConsent.as_view()),
    path("audio/conversions", conversion),
    path("audio/voices", Voices.as_view()),
    path("audio/voices/<str:pk>", OneVoice.as_view()),
    path("audio/voices/<str:pk>/samples", Samples.as_view()),
    path("audio/voices/<str:pk>/samples/<str:sample>", OneSample.as_view()),
    path("audio/speech/preview", SpeechPreview.as_view()),
    path("outputs/<str:pk>/timestamps", OutputTimestamps.as_view()),
    path("lexicons", Lexicons.as_view()),
    path("lexicons/<str:pk>", OneLexicon.as_view()),
    path("realtime/client_secrets", ClientSecrets.as_view()),
    path("realtime/sessions", LiveSessions.as_view()),
    path("realtime/sessions/<str:pk>", OneLiveSession.as_view()),
    path("realtime/sessions/<str:pk>/end", EndLiveSession.as_view()),
    path("models", Models.as_view()),
    path("models/<str:name>", OneModel.as_view()),
]
