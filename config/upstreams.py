"""What an operator says of other speech servers. A leaf: no framework, so that the engine that calls them may import it."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=48)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", to_lower=True)]
Passed = Literal["language", "seed"]


def plain_url(value: str) -> str:
    """Of a server of others, without a stroke at its end."""
    try:
        parts = urlsplit(value)
        # only when it is asked for is a port looked at; and what can't be sent `urlsplit` drops
        sound = parts.port != 0 and value.isprintable() and " " not in value
    except ValueError:
        # its words are not repeated: they quote what may be a secret
        sound = False
    if not sound or parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("expected a URL such as https://speech.example/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected a URL without a user and password: a secret belongs among the keys")
    return value.rstrip("/")


def _sendable(key: SecretStr) -> SecretStr:
    secret = key.get_secret_value()
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ValueError("expected keys of printable ASCII characters, without blanks")
    return key


Url = Annotated[str, AfterValidator(plain_url)]
Key = Annotated[SecretStr, AfterValidator(_sendable)]
# what such a server asks for in `Authorization: Bearer`


class UpstreamVoice(BaseModel):
    """A voice of an upstream, offered as `<upstream>/<name>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    upstream_voice: str = Field("", max_length=200)
    # what the upstream calls it; empty: the same
    languages: tuple[Language, ...] = Field(min_length=1)
    # BCP 47, the main one first
    gender: Literal["female", "male", "neutral"] = "neutral"

    @property
    def asked_as(self) -> str:
        return self.upstream_voice or self.name


class Upstream(BaseModel):
    """A server that takes OpenAI's `POST /audio/speech`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    url: Url
    # what stands before /audio/speech: https://api.openai.com/v1
    keys: tuple[Key, ...] = ()
    # used in turn; none for a server that asks for none
    model: str = Field(min_length=1, max_length=200)
    voices: tuple[UpstreamVoice, ...] = Field(min_length=1)
    rate: int = Field(24_000, ge=8_000, le=48_000)
    # Hz of its `pcm`
    characters: int = Field(4096, ge=500, le=1_000_000)
    # that it takes at once; a longer text is sent in parts
    passes: tuple[Passed, ...] = ()
    # what it understands beyond OpenAI's fields
    timeout: float = Field(30.0, gt=0, le=600, allow_inf_nan=False)
    # seconds without a byte
    concurrency: int = Field(8, ge=1, le=1000)
    # requests at a time, of one worker process
    failures: int = Field(5, ge=1, le=1000)
    # in a row, after which it is left alone
    rest: float = Field(15.0, gt=0, le=3600, allow_inf_nan=False)
    # seconds for which it is
    fallback: str = Field("", max_length=100)
    # the stock voice that speaks in its place, for whom the plan allows it

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({voice.name for voice in self.voices}) < len(self.voices):
            raise ValueError("expected voices with different names")
        return self
