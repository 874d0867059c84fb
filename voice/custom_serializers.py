from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.serializers import UnixTime
from voice.models import Consent, Sample


class ConsentSerializer(serializers.ModelSerializer[Consent]):
    object = serializers.SerializerMethodField()
    created_at = UnixTime()

    class Meta:
        model = Consent
        fields = ["id", "object", "name", "language", "state", "reason", "phrase", "transcript", "seconds", "created_at"]
        read_only_fields = fields

    def get_object(self, _consent: Consent) -> str:
        return "audio.voice_consent"


class PhraseSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    language = serializers.CharField()
    text = serializers.CharField()


class PhraseListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = PhraseSerializer(many=True)  # type: ignore[assignment]  # the name is the contract's


class SampleSerializer(serializers.ModelSerializer[Sample]):
    object = serializers.SerializerMethodField()
    voice_id = serializers.CharField(read_only=True)
    findings = serializers.DictField(read_only=True, help_text="what was measured of it")
    created_at = UnixTime()

    class Meta:
        model = Sample
        fields = ["id", "object", "voice_id", "seconds", "findings", "version", "created_at"]
        read_only_fields = fields

    def get_object(self, _sample: Sample) -> str:
        return "audio.voice.sample"


class SampleListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = SampleSerializer(many=True)  # type: ignore[assignment]  # the name is the contract's
