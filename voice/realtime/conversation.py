"""What was said, in order: the items of a conversation as clients see them, and as a language model reads them."""

from __future__ import annotations

import binascii
from dataclasses import dataclass, field
from typing import Any

from config.errors import Refusal
from voice.realtime.playback import Playback
from voice.realtime.responder import Call, Message

MOST_ITEMS = 500
MOST_CHARACTERS = 400_000
# of all items: the oldest ones are forgotten beyond either
LARGEST_ITEM = 65_536
# characters of one, as a client makes it
LONGEST_ID = 64
ROOT = "root"
# the place before the first item
ROLES = {"system": "input_text", "user": "input_text", "assistant": "output_text"}
TEXTS = frozenset({"input_text", "output_text", "text"})
SOUNDS = frozenset({"input_audio", "output_audio", "audio"})


@dataclass(slots=True)
class Entry:
    """One item."""

    id: str
    type: str
    # message, function_call or function_call_output
    role: str = ""
    content: list[dict[str, Any]] = field(default_factory=list)
    # of a message: parts with their texts and transcripts; sound itself is not kept
    call_id: str = ""
    name: str = ""
    text: str = ""
    # of a function: its arguments, or its output
    status: str = "completed"
    awaited: bool = False
    # what was said in it is not understood yet
    playback: Playback | None = None
    # of an assistant's sound

    def shown(self) -> dict[str, Any]:
        told: dict[str, Any] = {"id": self.id, "object": "realtime.item", "type": self.type, "status": self.status}
        if self.type == "message":
            return told | {"role": self.role, "content": [dict(part) for part in self.content]}
        if self.type == "function_call":
            return told | {"call_id": self.call_id, "name": self.name, "arguments": self.text}
        return told | {"call_id": self.call_id, "output": self.text}

    @property
    def words(self) -> str:
        """All that was said or written in it."""
        return " ".join(filter(None, (part.get("text") or part.get("transcript") or "" for part in self.content)))

    @property
    def sound_ms(self) -> int:
        """How much of its sound was sent."""
        return self.playback.sent_ms if self.playback else 0

    def cut(self, ms: int) -> None:
        """What comes after so much of its sound was not heard, and so was not said."""
        if self.playback is not None:
            self.content = [{**part, "transcript": self.playback.text_until(ms)} for part in self.content]

    @property
    def size(self) -> int:
        return len(self.text) + sum(len(part.get("text") or part.get("transcript") or "") for part in self.content)


class Conversation:
    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, entry: Entry, after: str | None = None) -> str | None:
        """Put it in its place, at the end if none is named; the id of the one before it. A Refusal for a place that is not there."""
        if any(known.id == entry.id for known in self._entries):
            raise Refusal(f"There is an item '{entry.id}' already.", code="item_create_duplicate_item_id", param="item.id")
        place = len(self._entries) if after is None else 0 if after == ROOT else self._place(after, "create", "previous_item_id") + 1
        self._entries.insert(place, entry)
        before = self._entries[place - 1].id if place else None
        self._forget()
        return before

    def get(self, item_id: Any, verb: str) -> Entry:
        """A Refusal when there is none; `verb` is what was to be done with it."""
        return self._entries[self._place(item_id, verb, "item_id")]

    def find(self, item_id: str) -> Entry | None:
        return next((entry for entry in self._entries if entry.id == item_id), None)

    def delete(self, item_id: Any) -> Entry:
        return self._entries.pop(self._place(item_id, "delete", "item_id"))

    @property
    def last(self) -> str | None:
        return self._entries[-1].id if self._entries else None

    @property
    def awaits(self) -> bool:
        """Whether something that was said is not understood yet."""
        return any(entry.awaited for entry in self._entries)

    def messages(self) -> tuple[Message, ...]:
        return read(self._entries)

    def kept(self) -> list[dict[str, Any]]:
        """What a session that is taken up again begins with."""
        return [entry.shown() for entry in self._entries if not entry.awaited]

    def restore(self, items: list[dict[str, Any]]) -> None:
        """What `kept` gave."""
        for item in items:
            known = {name: item[name] for name in ("id", "type", "status")}
            fields = {name: item[name] for name in ("role", "content", "call_id", "name") if name in item}
            self._entries.append(Entry(**known, **fields, text=item.get("arguments") or item.get("output") or ""))

    def _place(self, item_id: Any, verb: str, param: str) -> int:
        for place, entry in enumerate(self._entries):
            if entry.id == item_id:
                return place
        raise Refusal("There is no such item in the conversation.", code=f"item_{verb}_invalid_item_id", param=param)

    def _forget(self) -> None:
        """The oldest go, where there are too many: a call of hours costs no more than one of minutes."""
        size = sum(entry.size for entry in self._entries)
        while len(self._entries) > MOST_ITEMS or (size > MOST_CHARACTERS and len(self._entries) > 1):
            size -= self._entries.pop(0).size


def read(entries: list[Entry]) -> tuple[Message, ...]:
    """As a language model reads them. Calls that were made together are one message; an answer without its call is left out."""
    messages: list[Message] = []
    answered = {entry.call_id for entry in entries if entry.type == "function_call_output"}
    called: set[str] = set()
    for entry in entries:
        if entry.type == "message" and entry.words:
            messages.append(Message(role=entry.role, text=entry.words))  # type: ignore[arg-type]  # a message's role is one of ROLES
        elif entry.type == "function_call" and entry.call_id in answered:
            called.add(entry.call_id)
            call = Call(entry.call_id, entry.name, entry.text)
            if messages and messages[-1].calls:
                messages[-1] = Message(role="assistant", text=messages[-1].text, calls=(*messages[-1].calls, call))
            else:
                messages.append(Message(role="assistant", text="", calls=(call,)))
        elif entry.type == "function_call_output" and entry.call_id in called:
            messages.append(Message(role="tool", text=entry.text, call_id=entry.call_id))
    return tuple(messages)


def from_base64(encoded: Any, param: str) -> bytes:
    """What a client's field holds; a Refusal where it is not base64."""
    if not isinstance(encoded, str):
        raise Refusal(f"'{param}' must be a string of base64.", code="invalid_type", param=param)
    try:
        return binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        raise Refusal(f"'{param}' is not base64.", code="invalid_value", param=param) from None


def sound_of(item: dict[str, Any]) -> bytes:
    """What a user's message, as a client sends it, says in sound without a transcript; in the session's format."""
    parts = item.get("content") if item.get("role") == "user" else None
    if not isinstance(parts, list):
        return b""
    silent = [(place, part) for place, part in enumerate(parts) if part.get("type") == "input_audio" and not part.get("transcript")]
    return b"".join(from_base64(part["audio"], f"item.content[{place}].audio") for place, part in silent if "audio" in part)


def made(item: Any, new_id: str) -> Entry:
    """The entry of an item that a client sends; a Refusal naming the field at fault."""
    if not isinstance(item, dict):
        raise Refusal("'item' must be an object.", code="invalid_type", param="item")
    item_id = item.get("id") or new_id
    if not isinstance(item_id, str) or len(item_id) > LONGEST_ID:
        raise Refusal(f"'item.id' has {LONGEST_ID} characters at most.", code="invalid_value", param="item.id")
    match item.get("type"):
        case "message":
            return _message(item, item_id)
        case "function_call":
            entry = Entry(item_id, "function_call", call_id=_text(item, "call_id"), name=_text(item, "name"), text=_text(item, "arguments"))
        case "function_call_output":
            entry = Entry(item_id, "function_call_output", call_id=_text(item, "call_id"), text=_text(item, "output"))
        case _:
            kinds = "message, function_call or function_call_output"
            raise Refusal(f"'item.type' must be {kinds}.", code="invalid_value", param="item.type")
    return _within_size(entry)


def _message(item: dict[str, Any], item_id: str) -> Entry:
    role, content = item.get("role"), item.get("content")
    if role not in ROLES:
        raise Refusal("'item.role' must be system, user or assistant.", code="invalid_value", param="item.role")
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Refusal("'item.content' must be a list of objects.", code="invalid_type", param="item.content")
    parts: list[dict[str, Any]] = []
    for place, part in enumerate(content):
        kind = part.get("type", ROLES[role])
        if kind in TEXTS:
            parts.append({"type": ROLES[role], "text": _text(part, "text", within=f"item.content[{place}]")})
        elif kind in SOUNDS and role != "system":
            parts.append({"type": "input_audio" if role == "user" else "output_audio", "transcript": part.get("transcript") or ""})
        else:
            raise Refusal("Parts of this type are not understood here.", code="invalid_value", param=f"item.content[{place}].type")
    return _within_size(Entry(item_id, "message", role=role, content=parts))


def _within_size(entry: Entry) -> Entry:
    if entry.size > LARGEST_ITEM:
        raise Refusal(f"An item has {LARGEST_ITEM} characters at most.", code="string_above_max_length", param="item")
    return entry


def _text(source: dict[str, Any], name: str, within: str = "item") -> str:
    value = source.get(name)
    if not isinstance(value, str):
        raise Refusal(f"'{within}.{name}' must be a string.", code="invalid_type", param=f"{within}.{name}")
    return value
