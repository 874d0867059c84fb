"""How an owner wants words to be said."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.ids import new_id
from accounts.models import Owned
from voice.models.catalogue import widened


class Lexicon(models.Model):
    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, "lex"), editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lexicons")
    name = models.CharField(max_length=200)
    language = models.CharField(max_length=35, blank=True)
    # BCP 47 in lower case of the texts that it is for; empty: of all
    version = models.PositiveIntegerField(default=1)
    # the newest
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = Owned.as_manager()

    class Meta:
        verbose_name_plural = "lexicons"

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def is_for(self, language: str) -> bool:
        """Whether it is for texts in this language: its own, or a narrower one of it ("en-us" for "en")."""
        return not self.language or self.language in widened(language)


class LexiconVersion(models.Model):
    """The entries of a lexicon at one time. It is never changed, so that what was spoken with it can be made again."""

    lexicon = models.ForeignKey(Lexicon, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    # counted from 1
    entries = models.JSONField(default=list)
    # the fields of `voice.text.Entry`
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = models.Manager["LexiconVersion"]()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lexicon", "number"], name="lexicon_version_number")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What names it in a request and in an output's configuration: "lex_…@3"."""
        return f"{self.lexicon_id}@{self.number}"
