"""What can be asked to speak: models, their voices, and the names of others that stand for ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Now

from accounts.ids import new_id
from voice.engines.base import Source
from voice.errors import VoiceDisabled, VoiceRevoked
from voice.models.custom import Consent, ConsentState

ANY_LANGUAGE = "mul"
# BCP 47 for "several": a voice that reads whatever it is given


class Task(models.TextChoices):
    SPEECH = "speech"
    CONVERSION = "conversion"
    TRANSCRIPTION = "transcription"


class VoiceState(StrEnum):
    """What can be done with a voice now."""

    READY = "ready"
    DISABLED = "disabled"
    # by staff, or with its model
    REVOKED = "revoked"
    # its consent is no longer given


class Meant(IntEnum):
    """What of a voice a name is."""

    ID = 0
    NAME = 1
    ALIAS = 2


class ModelRows(models.QuerySet["Model"]):
    def timed(self) -> list[str]:
        """The names of those that tell when each word is said."""
        return list(self.filter(timed=True, enabled=True, task=Task.SPEECH).values_list("name", flat=True))

    def that_hear(self, *, translating: bool) -> list[str]:
        """The names of those that transcribe, or that translate what they hear."""
        able = self.filter(task=Task.TRANSCRIPTION, enabled=True)
        return list((able.filter(translates=True) if translating else able).values_list("name", flat=True))


class Model(models.Model):
    """A speech engine, or a model that one loads, as callers name it."""

    name = models.CharField(primary_key=True, max_length=100)
    engine = models.CharField(max_length=32)
    task = models.CharField(max_length=16, choices=Task, default=Task.SPEECH)
    location = models.CharField(max_length=500, blank=True)
    # where an engine finds it: a name in its zoo, or a folder on the workers; empty: it is the engine itself
    clones = models.BooleanField(default=False)
    # speaks like a sample
    licence = models.CharField(max_length=200, blank=True)
    rate = models.PositiveIntegerField(null=True, editable=False)
    # Hz of what it makes, as far as a worker has looked
    checked_at = models.DateTimeField(null=True, editable=False)
    problem = models.CharField(max_length=500, blank=True, editable=False)
    # why the last worker that looked can't use it; empty: it can
    verbatim = models.BooleanField(default=False)
    # takes the text as it is, whole
    phonetic = models.BooleanField(default=False)
    # reads IPA
    timed = models.BooleanField(default=False)
    # tells when each word is said
    languages = models.JSONField(default=list)
    # BCP 47 in lower case, that it understands; of one that speaks, its voices have them
    translates = models.BooleanField(default=False)
    # what it hears, into English
    slowest = models.FloatField(default=1.0)
    fastest = models.FloatField(default=1.0)
    preference = models.PositiveSmallIntegerField(default=100)
    # where several could speak a language the lowest does
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ModelRows.as_manager()

    class Meta:
        ordering = ["preference", "name"]

    def __str__(self) -> str:
        return self.name

    def understands(self, language: str) -> bool:
        """Whether it has this language: the tag itself, or a wider one of it."""
        return any(tag in self.languages for tag in widened(language))

    @property
    def source(self) -> Source | None:
        """What an engine that loads models is told; None for an engine itself."""
        return Source(self.name, self.location) if self.location else None


class VoiceRows(models.QuerySet["Voice"]):
    def stock(self) -> Self:
        return self.filter(owner=None)

    def put(self, voices: Iterable[Voice], *, fields: Sequence[str]) -> None:
        """Have these stock voices: what is missing is made, what differs in these fields is changed. Many workers may do so at once."""
        wanted = {voice.name: voice for voice in voices}
        there = {voice.name: voice for voice in self.stock().filter(name__in=wanted).order_by("name")}
        self.bulk_create((voice for name, voice in wanted.items() if name not in there), ignore_conflicts=True)
        changed = []
        for name, voice in there.items():
            told = {field: getattr(wanted[name], field) for field in fields}
            if any(getattr(voice, field) != value for field, value in told.items()):
                for field, value in told.items():
                    setattr(voice, field, value)
                changed.append(voice)
        # nothing is written over with what it is: workers that start together would wait for each other
        self.bulk_update(changed, fields)

    def of(self, user: Any) -> Self:
        """A user's own voices, whatever their state."""
        return self.filter(owner=user).select_related("model", "consent")

    def usable(self) -> Self:
        consented = Q(consent=None) | Q(consent__state=ConsentState.APPROVED)
        return self.filter(consented, enabled=True, model__enabled=True).select_related("model", "consent")

    def visible_to(self, user: Any) -> Self:
        """The stock voices that can be used, and all of the user's own."""
        return self.filter(Q(owner=None, enabled=True, model__enabled=True) | Q(owner=user)).select_related("model", "consent")

    def called(self, name: str) -> Self:
        """Those that a name may mean, first the one that it does, with `meant` to tell how: its id, its name, one's own before a stock
        voice's, or an alias of a stock voice that can be used.
        """
        aliases = VoiceAlias.objects.filter(name=name, voice__in=Voice.objects.stock().usable()).values("voice")
        meant = Case(When(pk=name, then=Value(Meant.ID)), When(name=name, then=Value(Meant.NAME)), default=Value(Meant.ALIAS))
        found = self.filter(Q(pk=name) | Q(name=name) | Q(pk__in=aliases)).annotate(meant=meant)
        return found.order_by("meant", F("owner").asc(nulls_last=True))


class Voice(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "voice"), editable=False)
    name = models.CharField(max_length=100)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="voices")
    # none: a stock voice, everybody's
    consent = models.ForeignKey(Consent, null=True, blank=True, on_delete=models.RESTRICT, related_name="voices")
    # the speaker's, without which nobody has a voice of his own
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="voices")
    speaker = models.CharField(max_length=100)
    # what the engine calls it
    languages = models.JSONField(default=list)
    # BCP 47 in lower case, the main one first
    gender = models.CharField(max_length=16, blank=True)
    description = models.CharField(max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1)
    # raised with every sample that is added or removed
    enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=500, blank=True, db_default="", default="")
    # which its owner is told
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    meant: int
    # where VoiceRows.called found it

    objects = VoiceRows.as_manager()

    class Meta:
        ordering = ["model", "name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(owner=None), name="voice_stock_name"),
            models.UniqueConstraint(fields=["owner", "name"], name="voice_own_name"),
            models.CheckConstraint(condition=Q(owner=None) | Q(consent__isnull=False), name="voice_own_has_consent"),
        ]

    def __str__(self) -> str:
        return self.name

    def speaks(self, language: str) -> bool:
        """Whether it has this language: the tag itself, or a wider one of it ("en" for "en-us")."""
        return ANY_LANGUAGE in self.languages or any(tag in self.languages for tag in widened(language))

    @property
    def state(self) -> VoiceState:
        if self.consent is not None and self.consent.state != ConsentState.APPROVED:
            return VoiceState.REVOKED
        return VoiceState.READY if self.enabled and self.model.enabled else VoiceState.DISABLED

    def check_usable(self) -> None:
        """Raise VoiceRevoked or VoiceDisabled where nobody may speak in it."""
        match self.state:
            case VoiceState.REVOKED:
                raise VoiceRevoked(self.name)
            case VoiceState.DISABLED:
                raise VoiceDisabled(self.name, self.disabled_reason)

    def enable(self) -> bool:
        """False when it was enabled before."""
        return Voice.objects.filter(pk=self.pk, enabled=False).update(enabled=True, disabled_reason="") == 1

    def disable(self, *, reason: str = "") -> bool:
        """False when it was disabled before."""
        return Voice.objects.filter(pk=self.pk, enabled=True).update(enabled=False, disabled_reason=reason) == 1

    @property
    def configuration(self) -> dict[str, Any]:
        """What an item that is spoken in it keeps of it."""
        told = {"voice": self.name, "voice_id": self.pk, "voice_version": self.version, "speaker": self.speaker}
        # by its consent what was made is found when that is revoked, even if the voice was deleted before
        return told if self.consent_id is None else {**told, "consent_id": self.consent_id}


class VoiceAlias(models.Model):
    """A name that stands for a voice, such as OpenAI's `alloy`."""

    name = models.CharField(primary_key=True, max_length=100)
    voice = models.ForeignKey(Voice, on_delete=models.CASCADE, related_name="aliases")
    automatic = models.BooleanField(default=True)
    # follows the product's own choice; cleared when staff choose

    class Meta:
        verbose_name_plural = "voice aliases"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ModelAlias(models.Model):
    """A name that stands for a model, such as OpenAI's `tts-1`; without one it stands for whichever model the voice has."""

    name = models.CharField(primary_key=True, max_length=100)
    model = models.ForeignKey(Model, null=True, blank=True, on_delete=models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name_plural = "model aliases"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


def widened(language: str) -> list[str]:
    """A tag and every wider one: "zh-hant-tw", "zh-hant", "zh"."""
    parts = language.split("-")
    return ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
