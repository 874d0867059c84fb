"""What an upstream answers instead of doing its part, and what that means. Its words are read for that and hardly repeated."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Self

from voice.upstreams.keys import LONGEST_REST

LONGEST_REASON = 200
# characters of it that are repeated
OUT_OF_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "upstream_quota_exhausted"}
ABOUT_THE_REQUEST = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY}
# beside every status from 500 on


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    error: Mapping[str, str]
    # the strings of OpenAI's error object; empty for anything else
    retry_after: float | None
    # seconds

    @classmethod
    def of(cls, status: int, error: Any, retry_after: str) -> Self:
        """From an error object as it was read, whatever it is, and the header in either of its forms."""
        strings = {name: value for name, value in error.items() if isinstance(value, str)} if isinstance(error, dict) else {}
        return cls(status, strings, _seconds(retry_after))

    @property
    def out_of_quota(self) -> bool:
        return self.status == HTTPStatus.PAYMENT_REQUIRED or bool({self.error.get("code"), self.error.get("type")} & OUT_OF_QUOTA)

    @property
    def key_refused(self) -> bool:
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

    @property
    def too_many(self) -> bool:
        return self.status == HTTPStatus.TOO_MANY_REQUESTS

    @property
    def broken(self) -> bool:
        return self.status in PASSING or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    @property
    def about_the_request(self) -> bool:
        return self.status in ABOUT_THE_REQUEST

    @property
    def successful(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def reason(self) -> str:
        """One short line of the message."""
        message = self.error.get("message", "")
        line = " ".join("".join(character if character.isprintable() else " " for character in message).split())
        return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


def _seconds(told: str) -> float | None:
    try:
        seconds = float(told) if told.replace(".", "", 1).isdecimal() else parsedate_to_datetime(told).timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), LONGEST_REST)
