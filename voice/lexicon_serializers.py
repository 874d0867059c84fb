from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from rest_framework import serializers

from accounts.serializers import UnixTime
from voice.models import Lexicon, LexiconVersion
from voice.text import composed, forbidden_character, speakable, without_invisible

MOST_ENTRIES = 1_000
LONGEST_ENTRY = 100
LONGEST_NAME = 200
LONGEST_LANGUAGE = 35
_STRICT = ConfigDict(strict=True, extra="forbid", frozen=True)
_IPA = re.compile("[a-zæçðøħŋœβθχⱱɐ-ʯʰ-˿\u0300-\u036f\u1d00-\u1dbf\u203f ˈˌː.|'ʼ:]+")
_LANGUAGE = re.compile(r"[a-z]{2,8}(?:-[a-z0-9]{1,8})*", re.ASCII)


def _tidied(text: str) -> str:
    """As it stands in a text that is to be spoken: composed, nothing invisible, one blank between words."""
    if (character := forbidden_character(text)) is not None:
        raise PydanticCustomError("invalid_character", "The text holds {character}, which can't be spoken.", {"character": character})
    return " ".join(without_invisible(composed(text)).split())


def _word(text: str) -> str:
    if not text:
        raise PydanticCustomError("too_short", "A word has at least one character.")
    return text


def _respelling(text: str) -> str:
    if text and not speakable(text):
        raise PydanticCustomError("nothing_to_speak", "A respelling holds a letter or a digit.")
    return text


def _ipa(text: str) -> str:
    text = text.removeprefix("/").removesuffix("/").strip()
    if text and not (_IPA.fullmatch(text) and speakable(text)):
        raise PydanticCustomError("invalid_ipa", "This is not written in the International Phonetic Alphabet.")
    return text


def _language(tag: str) -> str:
    tag = tag.lower().replace("_", "-")
    if tag and not _LANGUAGE.fullmatch(tag):
        raise PydanticCustomError("unknown_language", "Give a BCP 47 tag such as 'en' or 'pt-br', or leave it out for all languages.")
    return tag


_Short = Annotated[str, Field(max_length=LONGEST_ENTRY), AfterValidator(_tidied)]
_Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_tidied)]
_Language = Annotated[str, Field(max_length=LONGEST_LANGUAGE, description="BCP 47; empty: for all"), AfterValidator(_language)]


class LexiconEntry(BaseModel):
    """A word and how it is said: respelt in ordinary letters, in IPA for models that read it, or both."""

    model_config = _STRICT

    word: Annotated[_Short, AfterValidator(_word)]
    respelling: Annotated[_Short, AfterValidator(_respelling)] = ""
    ipa: Annotated[_Short, AfterValidator(_ipa)] = ""
    case_sensitive: bool = False

    @model_validator(mode="after")
    def _said(self) -> Self:
        if not self.respelling and not self.ipa:
            raise PydanticCustomError("missing_required_parameter", "Give a respelling or IPA.")
        return self


def _distinct(entries: list[LexiconEntry]) -> list[LexiconEntry]:
    seen: dict[tuple[str, bool], int] = {}
    for index, entry in enumerate(entries):
        word = entry.word if entry.case_sensitive else entry.word.casefold()
        first = seen.setdefault((word, entry.case_sensitive), index)
        if first != index:
            raise PydanticCustomError(
                "duplicate_entry", "Entries {first} and {index} are of the same word.", {"first": first, "index": index}
            )
    return entries


_Entries = Annotated[list[LexiconEntry], Field(max_length=MOST_ENTRIES), AfterValidator(_distinct)]


class NewLexicon(BaseModel):
    model_config = _STRICT

    name: _Name
    language: _Language = ""
    entries: _Entries


class LexiconChange(BaseModel):
    """What is left out stays. Other entries make a new version, and the old one stays as it was."""

    model_config = _STRICT

    name: _Name | None = None
    language: _Language | None = None
    entries: _Entries | None = None


class LexiconSerializer(serializers.ModelSerializer[Lexicon]):
    object = serializers.SerializerMethodField()
    created_at = UnixTime()

    class Meta:
        model = Lexicon
        fields = ["id", "object", "name", "language", "version", "created_at"]
        read_only_fields = fields

    def get_object(self, _lexicon: Lexicon) -> str:
        return "lexicon"


class EntrySerializer(serializers.Serializer[Any]):
    word = serializers.CharField()
    respelling = serializers.CharField()
    ipa = serializers.CharField()
    case_sensitive = serializers.BooleanField()


class LexiconVersionSerializer(serializers.ModelSerializer[LexiconVersion]):
    """A lexicon with the entries of one version."""

    id = serializers.CharField(source="lexicon_id", read_only=True)
    object = serializers.SerializerMethodField()
    name = serializers.CharField(source="lexicon.name", read_only=True)
    language = serializers.CharField(source="lexicon.language", read_only=True)
    version = serializers.IntegerField(source="number", read_only=True)
    created_at = UnixTime(source="lexicon.created_at")
    entries = EntrySerializer(many=True, read_only=True)

    class Meta:
        model = LexiconVersion
        fields = ["id", "object", "name", "language", "version", "created_at", "entries"]

    def get_object(self, _version: LexiconVersion) -> str:
        return "lexicon"
