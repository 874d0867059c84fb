"""Other speech servers as engines: whatever takes OpenAI's `POST /audio/speech` and answers with PCM."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import ClassVar

from config.upstreams import Upstream, UpstreamVoice
from voice.engines.base import EngineUnavailable, Pcm, Speaker, Synthesizer, Utterance
from voice.engines.remote.errors import UpstreamMissing
from voice.engines.remote.loop import Loop
from voice.engines.remote.upstream import Client


class Remote(Synthesizer):
    """The text goes out whole and as it is: an upstream has ways of its own to read it."""

    name: ClassVar[str] = "remote"
    speeds: ClassVar[tuple[float, float]] = (0.25, 4.0)
    verbatim: ClassVar[bool] = True

    def __init__(self, upstreams: Sequence[Upstream]) -> None:
        if not upstreams:
            raise EngineUnavailable("no upstream is configured: UPSTREAMS is empty")
        self._loop = Loop()
        clients = [Client(upstream) for upstream in upstreams]
        self._voices = {f"{client.upstream.name}/{voice.name}": (client, voice) for client in clients for voice in client.upstream.voices}

    def speakers(self) -> Sequence[Speaker]:
        return [
            Speaker(name, voice.languages, client.upstream.rate, voice.gender, model=client.upstream.name)
            for name, (client, voice) in self._voices.items()
        ]

    def rate(self, utterance: Utterance) -> int:
        return self._voice(utterance)[0].upstream.rate

    def synthesize(self, utterance: Utterance) -> Generator[Pcm, None, None]:
        """Yield int16 blocks at the upstream's rate as they come, and an empty one every 50 ms while nothing does.

        Raises UpstreamRefused for a text that the upstream will not speak, and an UpstreamFailure for all that is not the text's fault.
        """
        client, voice = self._voice(utterance)
        yield from self._loop.drawn(client.speak(utterance, voice))

    def _voice(self, utterance: Utterance) -> tuple[Client, UpstreamVoice]:
        """UpstreamMissing where this worker's UPSTREAMS are others than those of the one that listed the voice."""
        try:
            return self._voices[utterance.speaker]
        except KeyError:
            raise UpstreamMissing(utterance.speaker) from None
