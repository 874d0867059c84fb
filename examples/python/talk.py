"""Live conversation by the `openai` package: what is said in a WAV file is heard, understood and answered.

    VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… python talk.py question.wav answer.wav

The file must be 16 bit, mono, 24 kHz; a microphone's blocks would be sent in its place.
"""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import wave

from openai import AsyncOpenAI

RATE = 24_000
BLOCK = RATE // 10
# samples: 100 ms


async def talk(question: str, answer: str) -> None:
    with wave.open(question) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2), "16 bit, mono, 24 kHz"
        sound = file.readframes(file.getnframes()) + bytes(2 * RATE)
        # the second of silence after it tells that the turn is over

    client = AsyncOpenAI(base_url=f"{os.environ['VOICE_URL']}/v1", api_key=os.environ["VOICE_KEY"])
    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": "Answer in one sentence.",
                "audio": {
                    "input": {"transcription": {"model": "whisper-1", "language": "en"}, "turn_detection": {"type": "server_vad"}},
                    "output": {"voice": "slt"},
                },
            }
        )

        async def speak() -> None:
            for place in range(0, len(sound), 2 * BLOCK):
                await connection.input_audio_buffer.append(audio=base64.b64encode(sound[place : place + 2 * BLOCK]).decode())
                await asyncio.sleep(BLOCK / RATE)

        speaking = asyncio.create_task(speak())
        heard = bytearray()
        async for event in connection:
            match event.type:
                case "input_audio_buffer.speech_started":
                    # whoever speaks over the answer ends it: stop the player here
                    heard.clear()
                case "conversation.item.input_audio_transcription.completed":
                    print("you:", event.transcript)
                case "response.output_audio.delta":
                    heard += base64.b64decode(event.delta)
                case "response.output_audio_transcript.done":
                    print("answer:", event.transcript)
                case "response.done":
                    break
                case "error":
                    print(event.error.message, file=sys.stderr)
        speaking.cancel()

    with wave.open(answer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(heard)


asyncio.run(talk(*sys.argv[1:3]))
