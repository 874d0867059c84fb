"""What hearing whether somebody speaks costs: processor time for each second of sound, by our detector and by Silero."""

from __future__ import annotations

import time
from pathlib import Path

from tests.voice.audio.sounds import blocks
from tests.voice.realtime.sounds import speech
from voice.audio.pcm import RATE
from voice.realtime.detector import Detector
from voice.realtime.silero import Silero

BLOCK = RATE // 10
RUNS = 5


def report(_folder: Path, _postgres_url: str, _redis_url: str) -> None:
    spoken = speech()
    print(f"Speech detection, {spoken.size / RATE:.1f} s of sound in blocks of 100 ms, the best of {RUNS} runs:")
    for name, make in (("ours", Detector), ("Silero", lambda: Detector(Silero()))):
        costs = []
        for _ in range(RUNS):
            detector = make()
            started = time.process_time()
            for block in blocks(spoken, BLOCK):
                detector.push(block)
            costs.append((time.process_time() - started) / (spoken.size / RATE))
        print(f"  {name:<8} {min(costs) * 1000:.2f} ms for each second")
