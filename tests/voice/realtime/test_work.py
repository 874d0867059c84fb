"""What a conversation has workers do, by a real one."""

from __future__ import annotations

import asyncio

import pytest

from accounts.tokens import EVERY_SCOPE, Identity
from tests.voice.test_transcriptions import BROTHER, pcm_of
from voice.audio.pcm import RATE
from voice.realtime.effects import Transcribe
from voice.realtime.settings import Transcription
from voice.realtime.work import understand
from voice.transcriptions import Hearing

pytestmark = pytest.mark.shapes("embedded", "deployed")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
def test_a_turn_is_understood(alice):
    said = pcm_of(BROTHER)

    turn = Transcribe("item_1", said.tobytes(), "audio/pcm", Transcription())
    text, seconds = asyncio.run(understand(Identity(alice, EVERY_SCOPE), Hearing(alice), turn))

    assert {"brother", "works", "hospital"} <= set(text.split())
    assert seconds == pytest.approx(said.size / RATE, abs=0.1)
