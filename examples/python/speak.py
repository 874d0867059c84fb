"""Speech by the `openai` package: a whole file, and as a stream that is heard while it is made.

VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… python speak.py "Hello." hello.mp3
"""

from __future__ import annotations

import os
import sys

from openai import OpenAI

client = OpenAI(base_url=f"{os.environ['VOICE_URL']}/v1", api_key=os.environ["VOICE_KEY"])
text, path = sys.argv[1:3]

client.audio.speech.create(model="tts-1", voice="alloy", input=text).write_to_file(path)
print("whole:", path)

# what the package has no name for goes into extra_body
with client.audio.speech.with_streaming_response.create(
    model="tts-1", voice="alloy", input=text, response_format="pcm", extra_body={"language": "en-us", "store": False}
) as speech:
    seconds = 0.0
    for block in speech.iter_bytes(4800):
        # hand it to a player: 16 bit, mono, 24 kHz
        seconds += len(block) / 48_000
    print("streamed:", round(seconds, 2), "s, job", speech.headers["x-job-id"])
