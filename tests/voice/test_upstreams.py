"""Upstreams among the models and voices, and who stands in for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage

from accounts.models import Plan, Usage, User
from accounts.quotas import Amount
from accounts.replays import Asked
from jobs import services
from jobs.dealing import sweep
from jobs.models import Item, Output, State
from jobs.work import claim
from tests.factories import make_worker
from tests.jobs.receivers import Receiver
from tests.tones import read_tones
from tests.voice.engines.remote.speakers import body, error, pieces, spoken, tones, upstream_at
from voice.catalogue import stock, synchronise
from voice.models import Model, Voice
from voice.requests import SpeechRequest
from voice.services import choose_voice, request_speech
from voice.speaking import narrate

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served(settings, transactional_db) -> Iterator[Callable[..., None]]:
    """Puts an upstream called "far" beside this machine's own engines, as a worker does when it starts."""

    def serve(server: Receiver, **fields: Any) -> None:
        settings.UPSTREAMS = (upstream_at(server, **fields),)
        stock.cache_clear()
        synchronise()

    make_worker()
    yield serve
    stock.cache_clear()


@pytest.fixture
def generous(alice: User) -> User:
    """Alice, with a plan that lets another voice stand in."""
    alice.plan = Plan.objects.create(name="generous", upstream_fallback=True)
    alice.save()
    return alice


def ask(owner: User, text: str = "hello", **options: Any) -> Item:
    """An item for the upstream's voice."""
    voice = Voice.objects.get(name="far/anna")
    asked = {"engine": "remote", "model": "far", "voice": "far/anna", "voice_id": voice.pk, "speaker": "far/anna", "language": "mul"}
    order = services.Order(
        actor="speak",
        text=text,
        format="pcm",
        media_type="audio/pcm",
        expected=Amount(len(text), 1000),
        options={**asked, "speed": 1.0, "seed": None, **options},
    )
    return services.submit(owner=owner, api_key=None, kind="speech", orders=[order]).items.get()


def make(item: Item) -> Item:
    work = claim(item.pk)
    assert work is not None
    with work:
        narrate(work)
    item.refresh_from_db()
    return item


def read(output: Output) -> str:
    with default_storage.open(output.blob_id) as file:
        return read_tones(np.frombuffer(file.read(), "<i2"))


def test_an_upstream_is_a_model_and_its_voices_are_stock_voices(alice, served):
    with Receiver(spoken) as server:
        served(server, voices=[{"name": "anna", "languages": ["de", "en"], "gender": "female"}])

    model = Model.objects.get(name="far")
    chosen = choose_voice(owner=alice, name="far/anna", language="de-at")
    assert (model.engine, model.verbatim, model.slowest, model.fastest) == ("remote", True, 0.25, 4.0)
    assert (chosen.voice.model, chosen.voice.gender, chosen.language) == (model, "female", "de-at")


def test_no_alias_chooses_a_voice_that_costs_where_one_of_our_own_can(alice, served):
    with Receiver(spoken) as server:
        served(server, voices=[{"name": "anna", "languages": ["de", "en"]}])

    assert choose_voice(owner=alice, name="alloy", language="de").voice.name == "espeak-de"


@pytest.mark.parametrize("name", ["flite", "tts-1"])
def test_an_upstream_with_the_name_of_another_model_stops_the_start(served, name):
    synchronise()

    with Receiver(spoken) as server, pytest.raises(ImproperlyConfigured, match=f"UPSTREAMS.*'{name}'"):
        served(server, name=name)


def test_the_output_and_the_ledger_name_the_upstream(alice, served):
    with Receiver(spoken) as server:
        served(server)
        item = make(ask(alice))

    output = Output.objects.get()
    assert (item.state, read(output)) == (State.COMPLETED, "hello")
    assert (output.configuration["model"], output.configuration["voice"], output.reuse_key) == ("far", "far/anna", item.reuse_key)
    usage = Usage.objects.get()
    assert (usage.model, usage.voice, usage.characters, usage.seconds) == ("far", "far/anna", 5, 0.2)


def test_audio_at_another_rate_comes_out_at_ours(alice, served):
    second = (8000 * np.sin(np.arange(16_000) / 16_000 * 2 * np.pi * 440)).astype("<i2").tobytes()
    with Receiver(body(second)) as server:
        served(server, rate=16_000)
        make(ask(alice))

    output = Output.objects.get()
    with default_storage.open(output.blob_id) as file:
        heard = np.frombuffer(file.read(), "<i2")
    assert output.seconds == pytest.approx(1, abs=0.01)
    assert np.abs(np.fft.rfft(heard)).argmax() == pytest.approx(440, abs=2)


def test_a_voice_that_this_worker_does_not_have_is_said_to_be_missing(alice, served):
    with Receiver(spoken) as server:
        served(server)
        item = make(ask(alice, speaker="far/berta"))

    assert (item.state, item.attempt) == (State.QUEUED, 1)  # another worker may


def test_where_the_plan_allows_it_another_voice_stands_in(generous, served):
    with Receiver(error(503)) as server:
        served(server, fallback="tone")
        item = make(ask(generous))

    output = Output.objects.get()
    assert (item.state, read(output)) == (State.COMPLETED, "hello")
    assert output.configuration["voice"] == "far/anna"
    made_by = output.configuration["fallback"]
    assert (made_by["engine"], made_by["model"], made_by["voice"], made_by["reason"]) == ("tone", "tone", "tone", "upstream_unavailable")
    usage = Usage.objects.get()
    assert (usage.model, usage.voice, usage.characters, usage.seconds) == ("tone", "tone", 5, 0.2)


@pytest.mark.parametrize("answer", [error(401), error(429, code="insufficient_quota"), body(b"<html>", kind="text/html")])
def test_whatever_the_upstreams_fault_is(generous, served, answer):
    with Receiver(answer) as server:
        served(server, fallback="tone")

        assert make(ask(generous)).state == State.COMPLETED


def test_what_stood_in_is_not_served_again(generous, served):
    with Receiver(error(401)) as server:
        served(server, fallback="tone")
        make(ask(generous))

    with Receiver(spoken) as server:
        served(server, fallback="tone")
        again = ask(generous)
        assert not again.reused
        make(again)

    output = Output.objects.get(item=again)
    assert "fallback" not in output.configuration
    assert Usage.objects.get(item_id=again.pk).model == "far"
    assert ask(generous).reused


def test_who_waited_for_the_same_is_told_who_spoke(generous, served):
    with Receiver(error(401)) as server:
        served(server, fallback="tone")
        first, twin = ask(generous), ask(generous)
        assert twin.twin_id == first.pk
        make(first)

    output = Output.objects.get(item=twin)
    assert output.configuration["fallback"]["voice"] == "tone"
    assert output.reuse_key == ""
    assert Usage.objects.get(item_id=twin.pk).voice == "tone"


def test_while_another_voice_speaks_nobody_new_waits_for_it(generous, served):
    with Receiver(error(401)) as server:
        served(server, fallback="tone")
        first = ask(generous)
        work = claim(first.pk)
        assert work is not None
        with work:
            work.item.fall_back({"voice": "tone", "model": "tone"})
            later = ask(generous)

    assert later.twin_id is None


def test_twins_of_what_stood_in_end_when_its_worker_died_before_it_told_them(generous, served):
    with Receiver(error(401)) as server:
        served(server, fallback="tone")
        first, twin = ask(generous), ask(generous)
        make(first)
    Output.objects.filter(item=twin).delete()
    Item.objects.filter(pk=twin.pk).update(state=State.QUEUED)
    Usage.objects.filter(item_id=twin.pk).delete()

    sweep()

    assert Output.objects.get(item=twin).configuration["fallback"]["voice"] == "tone"


def test_a_voice_of_our_own_reads_the_text_as_it_reads_any(generous, served):
    with Receiver(error(401)) as server:
        served(server, fallback="slt", voices=[{"name": "anna", "languages": ["en"]}])
        item = make(ask(generous, "# **Hello** there", language="en", speed=4.0))

    made_by = Output.objects.get().configuration["fallback"]
    assert item.state == State.COMPLETED
    assert (made_by["engine"], made_by["language"]) == ("flite", "en")


def test_without_such_a_plan_it_fails(alice, served):
    with Receiver(error(401)) as server:
        served(server, fallback="tone")
        item = make(ask(alice))

    assert (item.state, item.error_code, item.error_status) == (State.FAILED, "upstream_misconfigured", 502)
    assert not Output.objects.exists()


@pytest.mark.parametrize(
    ("fallback", "answer", "language"),
    [
        ("", error(401), "mul"),
        ("nobody", error(401), "mul"),
        ("slt", error(401), "de"),
        ("tone", error(400, message="Not this."), "mul"),
    ],
)
def test_nobody_stands_in_who_can_not_or_for_a_text_that_was_refused(generous, served, fallback, answer, language):
    with Receiver(answer) as server:
        served(server, fallback=fallback)

        assert make(ask(generous, language=language)).state == State.FAILED


def test_nobody_goes_on_where_a_voice_broke_off(generous, served):
    with Receiver(pieces(tones("hel"), whole=False)) as server:
        served(server, fallback="tone")
        item = make(ask(generous))

    assert (item.state, item.attempt) == (State.QUEUED, 1)  # it is tried again


@pytest.mark.parametrize("form", ["mp3", "opus", "wav"])
def test_a_format_is_whole_when_another_voice_stood_in(generous, served, form):
    with Receiver(error(503)) as server:
        served(server, fallback="tone")
        item = ask(generous)
        Item.objects.filter(pk=item.pk).update(format=form)

        assert make(item).state == State.COMPLETED

    assert Output.objects.get().seconds == pytest.approx(0.2)


def test_instructions_reach_the_upstream_and_tell_one_request_from_another(alice, served):
    asked = Asked(fingerprint="", key=None, attempt=None)
    items = []
    with Receiver(spoken) as server:
        served(server)
        for instructions in ("Calmly.", "In anger.", None):
            speech = SpeechRequest.model_validate({"model": "far", "voice": "far/anna", "input": "hello", "instructions": instructions})
            item, _ = request_speech(owner=alice, api_key=None, speech=speech, streamed=True, fresh=False, asked=asked)
            items.append(make(item))

    assert [json.loads(sent.body).get("instructions") for sent in server.sent] == ["Calmly.", "In anger.", None]
    assert len({item.reuse_key for item in items}) == 3
