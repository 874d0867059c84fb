"""Reads events by the types of whichever `openai` is on the path, in pydantic's strict mode; fields that they do not know are told too.

Started with the module of the types: openai.types.realtime, or openai.types.beta.realtime.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

BETWEEN = {"session.id", "session.object", "session.expires_at", "response.status_details.error.message", "session.client_secret"}
# what the types and OpenAI's own server differ in: it tells all but the last, which they leave out (some of them), and the last, which they
# ask for, only where a secret was just made


def main() -> None:
    union = get_args(importlib.import_module(sys.argv[1]).RealtimeServerEvent)[0]
    models = {get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(union)}
    for line in sys.stdin:
        sys.stdout.write(json.dumps("; ".join(_objections(models, line))) + "\n")
        sys.stdout.flush()


def _objections(models: dict[str, type[BaseModel]], line: str) -> Iterator[str]:
    kind = json.loads(line)["type"]
    if kind not in models:
        yield f"there is no event {kind}"
        return
    try:
        event = models[kind].model_validate_json(line, strict=True)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            path = ".".join(str(part) for part in fault["loc"])
            if path not in BETWEEN:
                yield f"{path}: {fault['msg']}"
        return
    yield from (f"{path}: not known" for path in _unknown(event) if path not in BETWEEN)


def _unknown(value: Any, path: str = "") -> Iterator[str]:
    """Where there is something that the types do not have."""
    if isinstance(value, BaseModel):
        yield from (f"{path}{name}" for name in value.model_extra or {})
        for name in type(value).model_fields:
            yield from _unknown(getattr(value, name), f"{path}{name}.")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _unknown(each, f"{path}{place}.")


main()
