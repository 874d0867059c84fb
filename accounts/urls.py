from __future__ import annotations

from django.urls import path

from accounts.usage_views import UsageReport
from accounts.views import ApiKeys, Me, OneApiKey, RefreshView, SignInView, SignOutView, VerifyView

urlpatterns = [
    path("auth/token", SignInView.as_view()),
    path("auth/refresh", RefreshView.as_view()),
    path("auth/verify", VerifyView.as_view()),
    path("auth/logout", SignOutView.as_view()),
    path("me", Me.as_view()),
    path("usage", UsageReport.as_view()),
    path("api-keys", ApiKeys.as_view()),
    path("api-keys/<str:pk>", OneApiKey.as_view()),
]
