"""What travels over the socket: JSON in either dialect, and sound in base64 in either direction."""

from __future__ import annotations

import binascii
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import from_json, to_json

from config.errors import Refusal
from voice.realtime import beta
from voice.realtime.conversation import from_base64
from voice.realtime.effects import Send, Sound
from voice.realtime.g711 import Codec, Format

Samples = NDArray[np.int16]


class Wire:
    """Of one socket: its sound goes on where it was in either direction."""

    def __init__(self, *, is_beta: bool, new_id: Callable[[str], str]) -> None:
        self._beta = is_beta
        self._new_id = new_id
        self._heard: dict[Format, Codec] = {}
        self._spoken: tuple[str, Codec] | None = None
        # the response that is being spoken

    def understood(self, text: str) -> dict[str, Any]:
        """A client's event; a Refusal where it is none."""
        try:
            event = from_json(text)
        except ValueError:
            raise Refusal("A message must be a JSON object.", code="parse_error") from None
        if not isinstance(event, dict):
            raise Refusal("A message must be a JSON object.", code="invalid_type")
        return beta.understood(event) if self._beta else event

    def sound(self, event: dict[str, Any], form: Format) -> Samples:
        """The samples of an `input_audio_buffer.append`, at 24 kHz."""
        data = from_base64(event.get("audio"), "audio")
        if form not in self._heard:
            self._heard[form] = Codec(form)
        return self._heard[form].decode(data)

    def told(self, effect: Send | Sound) -> str | None:
        """The message; none where the client's dialect has no such event."""
        event = {"event_id": self._new_id("event"), **effect.event}
        if isinstance(effect, Sound):
            event["delta"] = binascii.b2a_base64(self._encoded(effect), newline=False).decode()
        told = beta.told(event) if self._beta else event
        return None if told is None else to_json(told).decode()

    def _encoded(self, effect: Sound) -> bytes:
        response_id = effect.event["response_id"]
        if self._spoken is None or self._spoken[0] != response_id:
            self._spoken = response_id, Codec(effect.format)
        return self._spoken[1].encode(np.frombuffer(effect.pcm, "<i2"))
