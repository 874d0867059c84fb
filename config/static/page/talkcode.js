// The conversation of the page as a program: with the official package, the microphone and the loudspeaker.

import { literal } from "./code.js";

export const python = (session) => `import asyncio, base64

import sounddevice
from openai import AsyncOpenAI

SESSION = ${literal(session)}


async def talk():
    client = AsyncOpenAI(base_url="${location.origin}/v1")  # with the key in OPENAI_API_KEY
    loop, spoken = asyncio.get_running_loop(), asyncio.Queue()
    microphone = sounddevice.RawInputStream(
        24_000, 2_400, channels=1, dtype="int16",
        callback=lambda data, *_: loop.call_soon_threadsafe(spoken.put_nowait, bytes(data)),
    )
    loudspeaker = sounddevice.RawOutputStream(24_000, channels=1, dtype="int16")

    async with client.realtime.connect(model="gpt-realtime") as connection:
        await connection.session.update(session=SESSION)

        async def send():
            while True:
                block = base64.b64encode(await spoken.get()).decode()
                await connection.input_audio_buffer.append(audio=block)

        with microphone, loudspeaker:
            sending = asyncio.create_task(send())
            async for event in connection:
                if event.type == "response.output_audio.delta":
                    await asyncio.to_thread(loudspeaker.write, base64.b64decode(event.delta))
                elif event.type == "response.output_audio_transcript.done":
                    print(event.transcript)
            sending.cancel()


asyncio.run(talk())`;
