"""What a `response.create` asks for: a response in another manner, of another context, or beside the conversation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from config.errors import Refusal
from voice.realtime.conversation import Conversation, Entry, made, read
from voice.realtime.responder import Message, Prompt
from voice.realtime.settings import (
    LONGEST_INSTRUCTIONS,
    Modalities,
    Output,
    Part,
    Settings,
    Tokens,
    ToolChoice,
    Tools,
    refused,
)

MOST_INPUT = 100
# items
Metadata = Annotated[dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]], Field(max_length=16)]


class _Audio(Part):
    output: dict[str, Any] = {}


class Asked(Part):
    """The fields of `response.create`; what is none is as the session has it."""

    conversation: Literal["auto", "none"] = "auto"
    input: Annotated[list[Any], Field(max_length=MOST_INPUT)] | None = None
    instructions: Annotated[str, Field(max_length=LONGEST_INSTRUCTIONS)] | None = None
    output_modalities: Modalities | None = None
    audio: _Audio | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    max_output_tokens: Tokens | None = None
    metadata: Metadata | None = None

    def output(self, settings: Settings) -> Output:
        present = settings.audio.output
        if self.audio is None:
            return present
        try:
            return Output.model_validate(present.model_dump() | self.audio.output)
        except ValidationError as error:
            raise refused(error, within="response.audio.output") from None

    def prompt(self, settings: Settings, messages: tuple[Message, ...], user: str) -> Prompt:
        tokens = self.max_output_tokens or settings.max_output_tokens
        choice = self.tool_choice or settings.tool_choice
        return Prompt(
            instructions=settings.instructions if self.instructions is None else self.instructions,
            messages=messages,
            tools=tuple(tool.model_dump() for tool in (settings.tools if self.tools is None else self.tools)),
            tool_choice=choice if isinstance(choice, str) else choice.model_dump(),
            parallel_tool_calls=settings.parallel_tool_calls,
            max_tokens=None if tokens == "inf" else tokens,
            model=settings.model,
            user=user,
        )

    def context(self, conversation: Conversation, new_id: str) -> tuple[Message, ...] | None:
        """The messages that it brings along; none: the conversation's, as they are when it begins."""
        if self.input is None:
            return None
        entries: list[Entry] = []
        for item in self.input:
            if isinstance(item, dict) and item.get("type") == "item_reference":
                entries.append(conversation.get(item.get("id"), "retrieve"))
            else:
                entries.append(made(item, new_id))
        return read(entries)


def asked(response: Any) -> Asked:
    """A Refusal naming the field at fault."""
    if not isinstance(response, dict):
        raise Refusal("'response' must be an object.", code="invalid_type", param="response")
    try:
        return Asked.model_validate({name: value for name, value in response.items() if value is not None})
    except ValidationError as error:
        raise refused(error, within="response") from None
