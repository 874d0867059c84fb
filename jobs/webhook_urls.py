from __future__ import annotations

from django.urls import path

from jobs.webhook_views import Deliveries, EnableWebhook, OneWebhook, RotateSecret, TryWebhook, Webhooks

urlpatterns = [
    path("webhooks", Webhooks.as_view()),
    path("webhooks/<str:pk>", OneWebhook.as_view()),
    path("webhooks/<str:pk>/rotate", RotateSecret.as_view()),
    path("webhooks/<str:pk>/enable", EnableWebhook.as_view()),
    path("webhooks/<str:pk>/test", TryWebhook.as_view()),
    path("webhooks/<str:pk>/deliveries", Deliveries.as_view()),
]
