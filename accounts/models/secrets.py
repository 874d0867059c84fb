"""Secrets that may be handed to a browser."""

from __future__ import annotations

from functools import partial
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.ids import new_id
from accounts.models.people import ApiKey, Owned, SignIn, User


class ClientSecretRows(Owned):
    def live(self) -> Self:
        """Those that may begin a session, or have begun one, and what they were made with is still good."""
        good_for_something = Q(used_at__isnull=False) | Q(expires_at__gt=Now())
        key = Q(api_key=None) | Q(api_key__revoked_at=None) & (Q(api_key__expires_at=None) | Q(api_key__expires_at__gt=Now()))
        sign_in = Q(sign_in=None) | Q(sign_in__ended_at=None, sign_in__expires_at__gt=Now())
        return self.filter(good_for_something, key, sign_in, owner__is_active=True)


class ClientSecret(models.Model):
    """The right to begin one live session, with settings that are not the holder's to choose. The secret itself is not kept."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "secret"), editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="client_secrets")
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    sign_in = models.ForeignKey(SignIn, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    # one of the two: what it was made with, and with which it ends
    session = models.JSONField(default=dict)
    # the settings that the session begins with
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    # until when the session may begin; it may last longer
    used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ClientSecretRows.as_manager()

    def __str__(self) -> str:
        return self.id

    def use(self) -> bool:
        """Begin the session; False when that was done before, or too late."""
        return ClientSecret.objects.filter(pk=self.pk, used_at=None, expires_at__gt=Now()).update(used_at=Now()) == 1
