from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.serializers import UnixTime
from voice.models import Voice


class VoiceSerializer(serializers.ModelSerializer[Voice]):
    id = serializers.SerializerMethodField()
    object = serializers.SerializerMethodField()
    type = serializers.SerializerMethodField()
    state = serializers.CharField(read_only=True, help_text="ready, disabled (by staff) or revoked (its consent)")
    reason = serializers.CharField(
        source="disabled_reason", read_only=True, help_text="why staff disabled it; empty where they did not say"
    )
    consent = serializers.CharField(source="consent_id", read_only=True, allow_null=True)
    created_at = UnixTime()
    model = serializers.CharField(source="model_id")
    languages = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Voice
        fields = [
            "id",
            "object",
            "name",
            "type",
            "state",
            "reason",
            "model",
            "languages",
            "gender",
            "description",
            "consent",
            "version",
            "created_at",
        ]
        read_only_fields = fields

    def get_id(self, voice: Voice) -> str:
        """What a request calls it by: a stock voice's name, a custom voice's id."""
        return voice.name if voice.owner_id is None else voice.pk

    def get_object(self, _voice: Voice) -> str:
        return "audio.voice"

    def get_type(self, voice: Voice) -> str:
        """How it was made, as OpenAI calls it."""
        return "stock" if voice.owner_id is None else "audio_sample"


class VoiceNameSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


class VoiceListSerializer(serializers.Serializer[Any]):
    """OpenAI's list, and beside it the `voices` that Open WebUI and others read: every name that `voice` takes, aliases included."""

    object = serializers.CharField()
    data = VoiceSerializer(many=True)  # type: ignore[assignment]  # the name is the contract's
    voices = VoiceNameSerializer(many=True)


class ModelSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()
    task = serializers.CharField(required=False, help_text="speech, conversion or transcription; not told of an alias")
    licence = serializers.CharField(required=False, help_text="of the model's weights; empty where none is noted")
    clones = serializers.BooleanField(required=False, help_text="whether it speaks like a custom voice's samples")
    timed = serializers.BooleanField(required=False, help_text="whether it tells when each word is said")
    languages = serializers.ListField(child=serializers.CharField(), required=False, help_text="that a model for transcription understands")
    translates = serializers.BooleanField(required=False, help_text="whether it writes English of what it hears")


class ModelListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = ModelSerializer(many=True)  # type: ignore[assignment]  # the name is the contract's


class PreviewWordSerializer(serializers.Serializer[Any]):
    word = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    spoken = serializers.CharField()


class PreviewSentenceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    spoken = serializers.CharField()
    words = PreviewWordSerializer(many=True)


class PreviewSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    language = serializers.CharField()
    lexicon = serializers.CharField(allow_null=True, help_text="The version that is read with; none where it is not for this text")
    sentences = PreviewSentenceSerializer(many=True)
    characters = serializers.IntegerField()


class TranscriptionUsageSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="duration")
    seconds = serializers.FloatField()


class TranscriptionSegmentSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    seek = serializers.IntegerField()
    start = serializers.FloatField(help_text="seconds")
    end = serializers.FloatField()
    text = serializers.CharField()
    tokens = serializers.ListField(child=serializers.IntegerField())
    temperature = serializers.FloatField()
    avg_logprob = serializers.FloatField()
    compression_ratio = serializers.FloatField()
    no_speech_prob = serializers.FloatField()


class TimedWordSerializer(serializers.Serializer[Any]):
    word = serializers.CharField()
    start = serializers.FloatField(help_text="seconds")
    end = serializers.FloatField()


class TranscriptionSerializer(serializers.Serializer[Any]):
    """json has the text and usage, verbose_json all but the logprobs, which are of json."""

    text = serializers.CharField()
    usage = TranscriptionUsageSerializer()
    task = serializers.CharField(required=False)
    language = serializers.CharField(required=False, help_text="its English name")
    duration = serializers.FloatField(required=False, help_text="seconds")
    segments = TranscriptionSegmentSerializer(many=True, required=False)
    words = TimedWordSerializer(many=True, required=False, help_text="where 'word' was asked for")
    logprobs = serializers.ListField(child=serializers.DictField(), required=False, help_text="where 'logprobs' were asked for")


class TimedSentenceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    start = serializers.FloatField(help_text="seconds")
    end = serializers.FloatField()


class TimestampsSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    words = TimedWordSerializer(many=True, required=False, help_text="where 'word' was asked for")
    sentences = TimedSentenceSerializer(many=True, required=False, help_text="where 'sentence' was asked for")
