"""Who calls: users, their sign-ins and API keys."""

from __future__ import annotations

import uuid
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.ids import new_id

STAMP_LENGTH = 16
USE_NOTED_EVERY = timedelta(minutes=1)
REUSE_GRACE = timedelta(seconds=10)
# a refresh token that comes a second time so soon is a client's twin request, later it is somebody else's


class Scope(StrEnum):
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    REALTIME = "realtime"
    VOICES = "voices"
    JOBS = "jobs"
    OUTPUTS = "outputs"
    ACCOUNT = "account"


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    plan = models.ForeignKey("accounts.Plan", null=True, blank=True, on_delete=models.PROTECT, related_name="people")
    # none: the default plan
    password_generation = models.PositiveIntegerField(default=0, editable=False)
    # how many times the password was changed; hashing the same one anew, as Django does at a sign-in now and then, is no change

    @property
    def stamp(self) -> str:
        """What the user's tokens carry: another one as soon as the password is another."""
        return salted_hmac("accounts.stamp", f"{self.pk}:{self.password_generation}", algorithm="sha256").hexdigest()[:STAMP_LENGTH]

    def set_password(self, raw_password: str | None) -> None:
        # where there is none yet nothing is compared: that takes as long as a hash, and Django sets one where a sign-in's user is unknown
        if raw_password is None or not self.password or not check_password(raw_password, self.password):
            self.password_generation += 1
        super().set_password(raw_password)

    def set_unusable_password(self) -> None:
        self.password_generation += 1
        super().set_unusable_password()


class Owned(models.QuerySet[Any]):
    def of(self, user: Any) -> Self:
        """The rows of one owner: another's are simply not found."""
        return self.filter(owner=user)


class SignInRows(Owned):
    def live(self) -> Self:
        return self.filter(ended_at=None, expires_at__gt=Now(), owner__is_active=True)


class SignIn(models.Model):
    """One sign-in, however often its tokens are refreshed: a family of refresh tokens of which the last one counts."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "sign"), editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    token_id = models.CharField(max_length=64)
    # `jti` of the refresh token that may be used next
    used_token_id = models.CharField(max_length=64, blank=True, default="")
    # and of the one that was used last
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    rotated_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SignInRows.as_manager()

    def __str__(self) -> str:
        return self.id

    @classmethod
    def begin(cls, owner: User, *, token_id: str) -> SignIn:
        return cls.objects.create(owner=owner, token_id=token_id, expires_at=timezone.now() + settings.SIGN_IN_LIFETIME)

    def rotate(self, *, used_token_id: str, token_id: str) -> bool:
        """Use a refresh token up. Of any number of uses one is granted; one that comes late ends the sign-in: it was stolen.

        The conditions are all on this row. With one on the owner's, Django would write `id IN (SELECT …)`, and a PostgreSQL that
        waited for another's use would look at the row as it was before: both would be granted.
        """
        row = SignIn.objects.filter(pk=self.pk, ended_at=None)
        current = row.filter(token_id=used_token_id, expires_at__gt=Now())
        if current.update(token_id=token_id, used_token_id=used_token_id, rotated_at=Now()):
            return True
        # only the last one used can have a twin on the way: by rotating all the time a thief would else never be found out
        twin = Q(used_token_id=used_token_id, rotated_at__gte=Now() - REUSE_GRACE)
        row.exclude(twin | Q(token_id=used_token_id)).update(ended_at=Now())
        return False

    def end(self) -> bool:
        return SignIn.objects.filter(pk=self.pk, ended_at=None).update(ended_at=Now()) == 1


class ApiKeyRows(Owned):
    def live(self) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=Now()), revoked_at=None, owner__is_active=True)


class ApiKey(models.Model):
    """A long-lived key. The token itself is shown once and not kept."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "key"), editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyRows.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def revoke(self) -> bool:
        """False when it was revoked before."""
        return ApiKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=Now()) == 1

    def note_use(self) -> None:
        """At most once a minute: who used it last is worth knowing, not worth a write a request."""
        if self.last_used_at is None or timezone.now() - self.last_used_at > USE_NOTED_EVERY:
            ApiKey.objects.filter(pk=self.pk).filter(Q(last_used_at=None) | Q(last_used_at__lt=Now() - USE_NOTED_EVERY)).update(
                last_used_at=Now()
            )
