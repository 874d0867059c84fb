"""What a session is set to: OpenAI's GA session object (`session.update`), checked where it enters and merged with what was set before.

https://platform.openai.com/docs/api-reference/realtime-client-events/session/update
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from config.errors import Refusal, TooLarge

LARGEST_SESSION = 65_536
# characters of a session as JSON: instructions and tools are the most of it
LONGEST_NAME = 200
LONGEST_INSTRUCTIONS = 32_000
MOST_TOOLS = 128
MOST_TOKENS = 4096
# of one response, as OpenAI has it
LONGEST_SILENCE_MS = 10_000
LONGEST_PADDING_MS = 5_000
IDLE_MS = (5_000, 30_000)
# that a pause may be said to be too long after

OF_RESPONSES = {
    "model",
    "instructions",
    "output_modalities",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "truncation",
}
# the fields that say how responses are given, beside their audio
CLEARABLE = frozenset({"turn_detection", "noise_reduction", "transcription", "tracing", "prompt"})
# an explicit null clears these; of anything else it leaves what was set


class SessionTooLarge(TooLarge):
    code = "session_too_large"
    message = f"The settings of a session are {LARGEST_SESSION} characters of JSON at most."


class Part(BaseModel):
    """Unknown fields are left out: an error at its first message ends the session of a client that is newer than we are."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Format(Part):
    """How audio travels: PCM of 16 bits at 24 kHz, or G.711 at 8 kHz, all mono."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: Literal[24000, 8000] | None = None

    def shown(self) -> dict[str, Any]:
        return {"type": self.type, "rate": 24000} if self.type == "audio/pcm" else {"type": self.type}


class Transcription(Part):
    """That the client wants to read what was understood."""

    model: str = Field(default="", max_length=LONGEST_NAME)
    language: str | None = Field(default=None, max_length=35)
    prompt: str | None = Field(default=None, max_length=LONGEST_INSTRUCTIONS)


class TurnDetection(Part):
    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    prefix_padding_ms: int = Field(default=300, ge=0, le=LONGEST_PADDING_MS)
    silence_duration_ms: int = Field(default=500, ge=0, le=LONGEST_SILENCE_MS)
    idle_timeout_ms: int | None = Field(default=None, ge=IDLE_MS[0], le=IDLE_MS[1])
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True

    def shown(self) -> dict[str, Any]:
        return self.model_dump(include=_TOLD_OF[self.type])


_OF_BOTH = {"type", "create_response", "interrupt_response"}
_TOLD_OF = {
    "server_vad": _OF_BOTH | {"threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"},
    "semantic_vad": _OF_BOTH | {"eagerness"},
}


class NoiseReduction(Part):
    type: Literal["near_field", "far_field"] = "near_field"


class Input(Part):
    format: Format = Format()
    noise_reduction: NoiseReduction | None = None
    transcription: Transcription | None = None
    turn_detection: TurnDetection | None = TurnDetection()


def _id_of(value: Any) -> Any:
    """`{"id": "voice_…"}` is how newer clients name a custom voice; every strict reader takes its id as a string."""
    return value["id"] if isinstance(value, dict) and isinstance(value.get("id"), str) else value


class Output(Part):
    format: Format = Format()
    voice: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), BeforeValidator(_id_of)] = "alloy"
    speed: float = Field(default=1.0, ge=0.25, le=1.5)


class Audio(Part):
    input: Input = Input()
    output: Output = Output()


class Tool(Part):
    type: Literal["function"] = "function"
    name: str = Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[\w.-]+$")
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)


class Choice(Part):
    type: Literal["function"] = "function"
    name: str = Field(min_length=1, max_length=LONGEST_NAME)


Modalities = Annotated[list[Literal["text", "audio"]], Field(min_length=1, max_length=2)]
ToolChoice = Literal["auto", "none", "required"] | Choice
Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS)] | Literal["inf"]
Tools = Annotated[list[Tool], Field(max_length=MOST_TOOLS)]


class Settings(Part):
    """A whole session's."""

    type: Literal["realtime", "transcription"] = "realtime"
    model: str = Field(default="gpt-realtime", min_length=1, max_length=LONGEST_NAME)
    instructions: str = Field(default="", max_length=LONGEST_INSTRUCTIONS)
    output_modalities: Modalities = ["audio"]
    audio: Audio = Audio()
    tools: Tools = []
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    max_output_tokens: Tokens = "inf"
    truncation: Any = "auto"
    include: list[str] | None = None

    def updated(self, patch: Any) -> Settings:
        """With what a `session.update` says; a Refusal, and nothing changed, where that is not valid."""
        if not isinstance(patch, dict):
            raise Refusal("'session' must be an object.", code="invalid_type", param="session")
        if "type" not in patch:
            raise Refusal("'session.type' is missing.", code="missing_required_parameter", param="session.type")
        if patch["type"] != self.type:
            raise Refusal("The type of a session can't be changed.", code="invalid_value", param="session.type")
        return checked(_merged(self.model_dump(), patch))

    def shown(self, *, session_id: str, expires_at: int) -> dict[str, Any]:
        """As `session.created` and `session.updated` tell it, whole."""
        transcription = self.type == "transcription"
        heard = self.audio.input
        told: dict[str, Any] = {
            "type": self.type,
            "object": "realtime.transcription_session" if transcription else "realtime.session",
            "id": session_id,
            "expires_at": expires_at,
            "include": self.include,
            "audio": {
                "input": {
                    "format": heard.format.shown(),
                    "noise_reduction": heard.noise_reduction and heard.noise_reduction.model_dump(),
                    "transcription": heard.transcription and heard.transcription.model_dump(),
                    "turn_detection": heard.turn_detection and heard.turn_detection.shown(),
                }
            },
        }
        if transcription:
            return told
        output = self.audio.output
        told["audio"]["output"] = {"format": output.format.shown(), "voice": output.voice, "speed": output.speed}
        own = {
            "model",
            "instructions",
            "output_modalities",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "max_output_tokens",
            "truncation",
        }
        return told | self.model_dump(include=own) | {"tracing": None, "prompt": None}


def checked(session: dict[str, Any]) -> Settings:
    """A session's settings; a Refusal naming the field at fault."""
    try:
        large = len(json.dumps(session)) > LARGEST_SESSION
    except (TypeError, ValueError, RecursionError):
        large = True
    if large:
        raise SessionTooLarge(param="session")
    try:
        return Settings.model_validate(session)
    except ValidationError as error:
        raise refused(error, within="session") from None


def named_voice(part: Any) -> str | None:
    """The voice that a session, or a response, names as a client sends it; none where it names none, or what is no name."""
    for name in ("audio", "output", "voice"):
        part = part.get(name) if isinstance(part, dict) else None
    voice = _id_of(part)
    return voice if isinstance(voice, str) else None


def refused(error: ValidationError, *, within: str) -> Refusal:
    """What a client's message is answered with, whose part `within` is not valid."""
    first = error.errors(include_url=False)[0]
    path = ".".join([within, *(str(part) for part in first["loc"])])
    return Refusal(f"Invalid value for '{path}': {first['msg']}.", code="invalid_value", param=path)


def _merged(present: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Objects merge, everything else is replaced; other kinds of turn detection and formats begin with their own defaults."""
    merged = dict(present)
    for name, value in patch.items():
        before = present.get(name)
        if value is None:
            if name in CLEARABLE:
                merged[name] = None
        elif isinstance(value, dict) and isinstance(before, dict) and value.get("type", before.get("type")) == before.get("type"):
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged
