"""Lexicons: made, changed into new versions, found for a request and for the work that it became."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import transaction

from accounts.models import User
from jobs.models import OPEN, Item
from voice.errors import LexiconInUse, LexiconNotFound, TooManyLexicons, TooManyVersions
from voice.models import Lexicon, LexiconVersion
from voice.text import Dictionary, Entry

MOST_LEXICONS = 20
MOST_VERSIONS = 200
KEPT = 64
# dictionaries that one process has at hand
LARGEST_NUMBER = 10
# digits of a version's number

Entries = Sequence[dict[str, Any]]


@transaction.atomic
def make_lexicon(*, owner: User, name: str, language: str, entries: Entries) -> LexiconVersion:
    """A lexicon with its first version. TooManyLexicons."""
    # the owner's row is locked, so that two at once are not one too many
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if Lexicon.objects.of(owner).count() >= MOST_LEXICONS:
        raise TooManyLexicons(MOST_LEXICONS)
    lexicon = Lexicon.objects.create(owner=owner, name=name, language=language)
    return LexiconVersion.objects.create(lexicon=lexicon, number=1, entries=list(entries))


@transaction.atomic
def change_lexicon(lexicon: Lexicon, *, name: str | None, language: str | None, entries: Entries | None) -> LexiconVersion:
    """What is given in place of what there was; other entries are a new version. TooManyVersions, or LexiconNotFound if it is gone."""
    locked = Lexicon.objects.select_for_update().filter(pk=lexicon.pk).first()
    if locked is None:
        raise LexiconNotFound(lexicon.pk, param=None)
    newest = LexiconVersion.objects.get(lexicon=locked, number=locked.version)
    if entries is not None and list(entries) != newest.entries:
        if locked.version >= MOST_VERSIONS:
            raise TooManyVersions(MOST_VERSIONS)
        locked.version += 1
        newest = LexiconVersion.objects.create(lexicon=locked, number=locked.version, entries=list(entries))
    locked.name = locked.name if name is None else name
    locked.language = locked.language if language is None else language
    locked.save(update_fields=["name", "language", "version"])
    newest.lexicon = locked
    return newest


@transaction.atomic
def delete_lexicon(lexicon: Lexicon) -> None:
    """Forget it with all its versions. LexiconInUse while something that is to be spoken names it."""
    if Item.objects.of(lexicon.owner_id).filter(state__in=OPEN, options__lexicon__startswith=f"{lexicon.pk}@").exists():
        raise LexiconInUse
    lexicon.delete()


def find_version(owner: Any, reference: str, *, param: str | None = "lexicon") -> LexiconVersion:
    """The version that "id@version" names, or the newest of "id". LexiconNotFound, also where it is another's."""
    pk, at, number = reference.partition("@")
    found = LexiconVersion.objects.filter(lexicon__in=Lexicon.objects.of(owner).filter(pk=pk)).select_related("lexicon")
    if at:
        if not (number.isascii() and number.isdigit() and len(number) < LARGEST_NUMBER):
            raise LexiconNotFound(reference, param=param)
        version = found.filter(number=int(number)).first()
    else:
        version = found.order_by("-number").first()
    if version is None:
        raise LexiconNotFound(reference, param=param)
    return version


@lru_cache(maxsize=KEPT)
def dictionary_of(reference: str) -> Dictionary:
    """The entries of a version, for whoever was given its reference by `find_version`. LexiconNotFound when it was deleted since."""
    pk, _, number = reference.partition("@")
    version = LexiconVersion.objects.filter(lexicon_id=pk, number=int(number)).first()
    if version is None:
        raise LexiconNotFound(reference)
    return dictionary(version)


def dictionary(version: LexiconVersion) -> Dictionary:
    return Dictionary([Entry(**entry) for entry in version.entries])
