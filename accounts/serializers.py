from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from rest_framework import serializers

from accounts.models import ApiKey, Scope, User

LONGEST_PASSWORD = 128
LONGEST_TOKEN = 8192
LONGEST_KEY_LIFE = int(timedelta(days=3650).total_seconds())


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Credentials(Body):
    username: str = Field(min_length=1, max_length=150, strict=True)
    password: SecretStr = Field(min_length=1, max_length=LONGEST_PASSWORD, strict=True)


class RefreshBody(Body):
    refresh: str = Field(max_length=LONGEST_TOKEN, strict=True)


class VerifyBody(Body):
    token: str = Field(max_length=LONGEST_TOKEN, strict=True)


class NewApiKey(Body):
    name: str = Field(min_length=1, max_length=100, strict=True)
    scopes: list[Scope] | None = Field(None, max_length=len(Scope), description="All that its maker has when left out")
    expires_in: int | None = Field(None, ge=60, le=LONGEST_KEY_LIFE, strict=True, description="Seconds; no end when left out")


class UnixTime(serializers.IntegerField):
    """A moment as OpenAI's shapes have it, in Unix seconds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, help_text=options.pop("help_text", "Unix seconds"), **options)

    def to_representation(self, moment: datetime) -> int:  # type: ignore[override]  # a moment is no int yet
        return int(moment.timestamp())


class PairSerializer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class MeSerializer(serializers.ModelSerializer[User]):
    object = serializers.SerializerMethodField()
    scopes = serializers.SerializerMethodField()
    created_at = UnixTime(source="date_joined")

    class Meta:
        model = User
        fields = ["id", "object", "username", "email", "scopes", "created_at"]

    def get_object(self, _user: User) -> str:
        return "user"

    def get_scopes(self, _user: User) -> list[str]:
        """Those of the token that asks."""
        return sorted(self.context["scopes"])


class ApiKeySerializer(serializers.ModelSerializer[ApiKey]):
    object = serializers.SerializerMethodField()
    scopes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApiKey
        fields = ["id", "object", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"]

    def get_object(self, _key: ApiKey) -> str:
        return "api_key"


class NewApiKeySerializer(ApiKeySerializer):
    key = serializers.SerializerMethodField()

    class Meta(ApiKeySerializer.Meta):
        fields = [*ApiKeySerializer.Meta.fields, "key"]

    def get_key(self, _key: ApiKey) -> str:
        """The token itself. It is shown this once."""
        return str(self.context["token"])


class DeletedKeySerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()
