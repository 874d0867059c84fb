"""What a session comes to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Figures:
    milliseconds_in: int = 0
    milliseconds_out: int = 0
    responses: int = 0
    interruptions: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
