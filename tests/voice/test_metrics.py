from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from prometheus_client.core import CollectorRegistry

from accounts.models import User
from jobs.work import claim
from tests.factories import make_item
from tests.jobs.test_metrics import Counted
from voice import catalogue
from voice.metrics import Busy
from voice.realtime.effects import Send, Sound
from voice.realtime.legs import END_OF_SPEECH, Legs
from voice.resources import Resources
from voice.speaking import narrate

pytestmark = pytest.mark.shapes("embedded", "deployed")


def test_only_the_time_that_making_takes_is_busy(monkeypatch: pytest.MonkeyPatch):
    now = 0.0
    monkeypatch.setattr("voice.metrics.time", SimpleNamespace(perf_counter=lambda: now))

    def slowly() -> Iterator[int]:
        nonlocal now
        for number in range(3):
            now += 1
            yield number

    busy, heard = Busy(), []
    for number in busy.of(slowly()):
        now += 10
        heard.append(number)

    assert heard == [0, 1, 2]
    assert busy.seconds == 3


def test_speech_is_counted_by_its_engine(transactional_db, alice: User):
    labels = {"engine": "tone", "model": "tone"}
    audio = Counted("voice_engine_audio_seconds_total", **labels)
    work = Counted("voice_engine_seconds_total", **labels)
    factor = Counted("voice_engine_real_time_factor_count", **labels)
    encoding = Counted("voice_encode_seconds_total", format="pcm")

    one = claim(make_item(alice, text="hello").pk)
    assert one is not None
    with one:
        narrate(one)

    assert audio.more == pytest.approx(0.2, abs=0.01)
    assert work.more > 0
    assert encoding.more > 0
    assert factor.more == 1


def test_the_legs_of_a_turn_are_counted_from_the_end_of_the_speech():
    legs, sound = Legs(), Sound({"type": "response.output_audio.delta"}, b"", "audio/pcm")
    sums = {leg: Counted("voice_turn_leg_seconds_sum", leg=leg) for leg in ("transcript", "first_word", "first_audio")}

    legs.note(Send({"type": END_OF_SPEECH}), 10.0)
    legs.understood(10.2)
    legs.worded("resp_1", 10.3)
    legs.worded("resp_1", 10.4)
    legs.note(sound, 10.5)
    legs.note(sound, 11.5)

    assert {leg: round(counted.more, 3) for leg, counted in sums.items()} == {"transcript": 0.2, "first_word": 0.3, "first_audio": 0.5}


def test_a_device_that_is_lost_costs_no_other_number(monkeypatch):
    def lost() -> None:
        raise RuntimeError("CUDA error")

    catalogue.models()
    monkeypatch.setattr(catalogue, "report", lost)
    registry = CollectorRegistry()
    registry.register(Resources())

    assert [family.name for family in registry.collect()][-1] == "voice_upstream_circuit"
