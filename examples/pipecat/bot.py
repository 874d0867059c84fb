"""A bot that talks by this machine's microphone and loudspeaker. It needs `pip install "pipecat-ai[local,openai]"`.

VOICE_URL=http://127.0.0.1:8000 VOICE_KEY=… python bot.py
"""

from __future__ import annotations

import asyncio
import os

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.transports.local.audio import LocalAudioTransport, LocalAudioTransportParams
from pipecat.workers.runner import WorkerRunner
from services import conversation

RATE = 24_000


async def main() -> None:
    transport = LocalAudioTransport(LocalAudioTransportParams(audio_in_enabled=True, audio_out_enabled=True))
    context = LLMContextAggregatorPair(LLMContext())
    talk = conversation(os.environ["VOICE_URL"], os.environ["VOICE_KEY"])
    pipeline = Pipeline([transport.input(), context.user(), talk, transport.output(), context.assistant()])
    params = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
    await WorkerRunner().run(PipelineWorker(pipeline, params=params))


asyncio.run(main())
