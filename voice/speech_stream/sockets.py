"""`WS /v1/audio/speech/stream`: who may come in."""

from __future__ import annotations

from accounts.models import Scope
from jobs.closing import Closed
from jobs.doors import Door, Visit
from jobs.handshake import EVENTS
from voice.speech_stream.stream import SpeechStream


async def _hold(visit: Visit) -> Closed:
    return await SpeechStream(visit).run()


speech_socket = Door(EVENTS, Scope.SPEECH, _hold)
