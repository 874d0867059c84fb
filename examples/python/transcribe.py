"""Transcription by the `openai` package: words with their times, and segment by segment as they are understood.

VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… python transcribe.py meeting.wav
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from openai import OpenAI

client = OpenAI(base_url=f"{os.environ['VOICE_URL']}/v1", api_key=os.environ["VOICE_KEY"])
recording = Path(sys.argv[1])

found = client.audio.transcriptions.create(
    model="whisper-1", file=recording, response_format="verbose_json", timestamp_granularities=["word"]
)
print("text:", found.text)
for word in (found.words or [])[:3]:
    print(f"{word.start:6.2f} {word.end:6.2f} {word.word}")

for event in client.audio.transcriptions.create(model="whisper-1", file=recording, stream=True):
    if event.type == "transcript.text.done":
        print("streamed:", event.text)
