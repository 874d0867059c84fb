from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from rest_framework import serializers

from accounts.models import ClientSecret
from accounts.serializers import Body, UnixTime
from accounts.tokens import value_of
from voice.live import session_of
from voice.models import LiveSession

SHORTEST = 10
LONGEST = 7200
ORDINARY = 600
# seconds that a client secret may begin a session for


class ExpiresAfter(Body):
    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(default=ORDINARY, ge=SHORTEST, le=LONGEST, strict=True, description="until when the session may begin")


class NewClientSecret(Body):
    expires_after: ExpiresAfter = ExpiresAfter()
    session: dict[str, Any] | None = Field(None, description="The settings that the session begins with, `type` among them")


class ClientSecretSerializer(serializers.Serializer[ClientSecret]):
    value = serializers.SerializerMethodField("get_secret")
    expires_at = UnixTime()
    session = serializers.SerializerMethodField()

    def get_secret(self, secret: ClientSecret) -> str:
        """The secret itself. It begins one session and opens nothing else."""
        return value_of(secret)

    def get_session(self, secret: ClientSecret) -> dict[str, Any]:
        """The settings, with the id that the session will have."""
        return {**secret.session, "id": session_of(secret), "object": f"realtime.{_object(secret.session)}"}


class LatencySerializer(serializers.Serializer[Any]):
    """Medians of a session's turns, from the end of the speech: to its transcript, to the answer's first word, to its first sound."""

    transcript_ms = serializers.IntegerField(allow_null=True)
    first_token_ms = serializers.IntegerField(allow_null=True)
    first_audio_ms = serializers.IntegerField(allow_null=True)


class LiveSessionSerializer(serializers.ModelSerializer[LiveSession]):
    object = serializers.SerializerMethodField()
    latency = LatencySerializer(source="*", read_only=True)
    started_at = UnixTime()
    end_asked_at = UnixTime(allow_null=True, help_text="Unix seconds; once it is to end, which takes a few of them")
    ended_at = UnixTime(allow_null=True)
    end_reason = serializers.CharField(help_text="a code; empty while nobody has asked for the end")

    class Meta:
        model = LiveSession
        fields = [
            "id",
            "object",
            "model",
            "kind",
            "dialect",
            "state",
            "started_at",
            "end_asked_at",
            "ended_at",
            "end_reason",
            "seconds_in",
            "seconds_out",
            "responses",
            "tokens_in",
            "tokens_out",
            "interruptions",
            "latency",
        ]
        read_only_fields = fields

    def get_object(self, _session: LiveSession) -> str:
        return "live_session"


class LiveSessionWithTranscriptSerializer(LiveSessionSerializer):
    transcript = serializers.JSONField(read_only=True, allow_null=True, help_text="what was said; null where the plan keeps none")

    class Meta(LiveSessionSerializer.Meta):
        fields = [*LiveSessionSerializer.Meta.fields, "transcript"]


def _object(session: dict[str, Any]) -> str:
    return "transcription_session" if session.get("type") == "transcription" else "session"
