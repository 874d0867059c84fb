from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.decorators.cache import cache_control
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny

from config.api import socket_only
from config.assets import asset
from config.health import alive, ready
from config.page import page

OPEN = {"authentication_classes": [], "permission_classes": [AllowAny]}

urlpatterns = [
    path("", page),
    path("admin/", admin.site.urls),
    path("v1/", include("accounts.urls")),
    path("v1/", include("jobs.urls")),
    path("v1/", include("voice.urls")),
    *(path(socket, socket_only) for socket in ("v1/events", "v1/audio/speech/stream", "v1/realtime", "ws/voice")),
    path("openapi.json", SpectacularJSONAPIView.as_view(**OPEN), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema", **OPEN)),
    path("static/<path:path>", cache_control(no_cache=True)(asset)),  # asked for again each time, so that all are of one version
    path("healthz", alive),
    path("readyz", ready),
]
handler400 = "config.api.bad_request"
handler403 = "config.api.forbidden"
handler404 = "config.api.not_found"
handler500 = "config.api.server_error"
