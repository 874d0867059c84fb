"""pipecat's services for OpenAI, set up for this service. Tried with pipecat 1.14.

Either the three of a pipeline (transcription, some language model, speech), or live conversation, which is all three in one.
pipecat checks voices by OpenAI's names: staff say in the admin which voice each of them is.
"""

from __future__ import annotations

from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService


def transcription(url: str, key: str) -> OpenAISTTService:
    return OpenAISTTService(base_url=f"{url}/v1", api_key=key, settings=OpenAISTTService.Settings(model="whisper-1"))


def speech(url: str, key: str) -> OpenAITTSService:
    return OpenAITTSService(base_url=f"{url}/v1", api_key=key, settings=OpenAITTSService.Settings(model="tts-1", voice="alloy"))


def conversation(url: str, key: str) -> OpenAIRealtimeLLMService:
    heard = events.AudioInput(
        transcription=events.InputAudioTranscription(model="whisper-1", language="en"),
        turn_detection=events.TurnDetection(type="server_vad"),
    )
    spoken = events.AudioOutput(voice="slt")
    session = events.SessionProperties(instructions="Answer in one sentence.", audio=events.AudioConfiguration(input=heard, output=spoken))
    return OpenAIRealtimeLLMService(
        base_url=f"{url.replace('http', 'ws', 1)}/v1/realtime",
        api_key=key,
        settings=OpenAIRealtimeLLMService.Settings(model="gpt-realtime", session_properties=session),
    )
