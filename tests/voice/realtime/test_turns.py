from __future__ import annotations

import random
from dataclasses import replace

import pytest

from voice.realtime.turns import FRAME_MS, Rules, Started, Stopped, TimedOut, Turns, interruption

SERVER = Rules("server_vad")
SEMANTIC = Rules("semantic_vad")


def speech(ms):
    return [0.9] * (ms // FRAME_MS)


def silence(ms):
    return [0.05] * (ms // FRAME_MS)


def silence_until_stopped(turns, *, longest=20_000):
    """ms of silence that end a turn."""
    for waited in range(FRAME_MS, longest, FRAME_MS):
        if turns.push(silence(FRAME_MS)):
            return waited
    raise AssertionError("the turn did not end")


def semantic_pause(partial, eagerness="auto"):
    turns = Turns(replace(SEMANTIC, eagerness=eagerness))
    turns.push(speech(1000))
    turns.understood(partial)
    return silence_until_stopped(turns)


def test_a_turn_has_its_padding_in_front_and_its_silence_behind():
    events = Turns(SERVER).push(silence(1000) + speech(600) + silence(1000))

    assert events == [Started(700), Stopped(2100)]


def test_the_padding_does_not_reach_before_the_audio():
    assert Turns(SERVER, at_ms=40_000).push(speech(200)) == [Started(40_000)]


def test_the_padding_does_not_reach_into_the_turn_before():
    rules = replace(SERVER, silence_duration_ms=200, prefix_padding_ms=1000)

    events = Turns(rules).push(speech(400) + silence(300) + speech(400))

    assert events == [Started(0), Stopped(600), Started(600)]


def test_it_starts_60_ms_after_speech_began():
    turns = Turns(SERVER)
    turns.push(silence(400))

    assert turns.push(speech(40)) == []
    assert turns.push(speech(20)) == [Started(100)]
    assert turns.speaking


def test_a_click_starts_nothing_however_often_it_comes():
    assert Turns(SERVER).push((speech(40) + silence(60)) * 50) == []


def test_a_click_in_a_pause_does_not_prolong_the_turn():
    turns = Turns(SERVER)

    events = turns.push(speech(400) + silence(240) + speech(20) + silence(240))

    assert events == [Started(0), Stopped(900)]


def test_speech_that_comes_back_prolongs_the_turn():
    events = Turns(SERVER).push(speech(400) + silence(480) + speech(60) + silence(500))

    assert events == [Started(0), Stopped(1440)]


def test_what_lies_just_under_the_threshold_changes_nothing():
    wavering = [0.52, 0.4, 0.55, 0.45] * 100

    turns = Turns(SERVER)

    assert turns.push(wavering) == [Started(0)]
    assert Turns(SERVER).push([0.4] * 100) == []


def test_the_threshold_is_the_sessions():
    turns = Turns(replace(SERVER, threshold=0.95))

    assert turns.push(speech(1000)) == []
    assert Turns(replace(SERVER, threshold=0.2)).push([0.25] * 10) == [Started(0)]


def test_the_silence_is_the_sessions():
    turns = Turns(replace(SERVER, silence_duration_ms=1200))
    turns.push(speech(400))

    assert silence_until_stopped(turns) == 1200


def test_what_was_said_does_not_matter_to_server_vad():
    turns = Turns(SERVER)
    turns.push(speech(400))
    turns.understood("and then")

    assert silence_until_stopped(turns) == 500


@pytest.mark.parametrize(("eagerness", "unfinished", "unclear", "finished"), [
    ("low", 8000, 2000, 1000),
    ("medium", 4000, 1000, 500),
    ("auto", 4000, 1000, 500),
    ("high", 2000, 500, 260),
])  # fmt: skip
def test_what_was_said_decides_how_long_semantic_vad_waits(eagerness, unfinished, unclear, finished):
    assert semantic_pause("I went there because", eagerness) == unfinished
    assert semantic_pause("I went there", eagerness) == unclear
    assert semantic_pause("", eagerness) == unclear
    assert semantic_pause("Where did I go?", eagerness) == finished


def test_what_is_understood_in_the_pause_counts():
    turns = Turns(SEMANTIC)
    turns.push(speech(400) + silence(700))

    turns.understood("Turn on the light.")

    assert turns.push(silence(20)) == [Stopped(1120)]


def test_what_was_understood_before_more_was_said_no_longer_counts():
    turns = Turns(SEMANTIC)
    turns.push(speech(400))
    turns.understood("Turn on the light.")
    turns.push(silence(200) + speech(400))

    assert silence_until_stopped(turns) == 1000


def test_a_new_turn_knows_nothing_of_what_the_last_one_said():
    turns = Turns(SEMANTIC)
    turns.push(speech(400))
    turns.understood("because")
    turns.push(silence(4000) + speech(400))

    assert silence_until_stopped(turns) == 1000


def test_who_is_silent_after_an_answer_is_asked_once():
    turns = Turns(replace(SERVER, idle_timeout_ms=5000))
    turns.answering(True)
    assert turns.push(silence(8000)) == []
    turns.answering(False)

    assert turns.push(silence(20_000)) == [TimedOut(8000, 13_000)]


def test_who_speaks_after_an_answer_is_not_asked():
    turns = Turns(replace(SERVER, idle_timeout_ms=5000))
    turns.answering(True)
    turns.answering(False)

    events = turns.push(silence(4960) + speech(400) + silence(20_000))

    assert events == [Started(4660), Stopped(5860)]


def test_without_an_answer_or_a_timeout_nobody_is_asked():
    waiting, patient = Turns(replace(SERVER, idle_timeout_ms=5000)), Turns(SERVER)
    waiting.answering(False)
    patient.answering(True)
    patient.answering(False)

    assert waiting.push(silence(60_000)) == []
    assert patient.push(silence(60_000)) == []


def test_the_next_answer_starts_the_timeout_anew():
    turns = Turns(replace(SERVER, idle_timeout_ms=5000))
    turns.answering(True)
    turns.answering(False)
    turns.push(silence(4000))
    turns.answering(True)
    assert turns.push(silence(4000)) == []
    turns.answering(False)

    assert turns.push(silence(6000)) == [TimedOut(8000, 13_000)]


def test_how_long_somebody_spoke_leaves_out_padding_and_pause():
    turns = Turns(SERVER)
    turns.push(silence(1000) + speech(400))
    assert turns.spoken_ms == 400

    turns.push(silence(200))
    assert turns.spoken_ms == 400

    turns.push(silence(400))
    assert turns.spoken_ms == 0


@pytest.mark.parametrize("seed", range(40))
def test_turns_alternate_and_time_never_goes_back(seed):
    dice = random.Random(seed)
    rules = Rules(
        dice.choice(["server_vad", "semantic_vad"]),
        threshold=dice.choice([0.0, 0.1, 0.5, 0.9, 1.0]),
        prefix_padding_ms=dice.choice([0, 300, 5000]),
        silence_duration_ms=dice.choice([0, 200, 500, 3000]),
        idle_timeout_ms=dice.choice([None, 5000]),
        eagerness=dice.choice(["low", "medium", "high", "auto"]),
    )
    turns = Turns(rules, at_ms=1000)
    events, frames = [], 0

    for _ in range(400):
        run = [dice.random() ** dice.choice([0.2, 1, 5]) for _ in range(dice.randrange(0, 30))] * dice.choice([1, 5])
        before = turns.now_ms
        new = turns.push(run)
        frames += len(run)
        assert all(before < moment(event) <= turns.now_ms for event in new if not isinstance(event, Started))
        assert turns.now_ms == 1000 + frames * FRAME_MS
        events += new
        if dice.random() < 0.3:
            turns.understood(dice.choice(["", "and", "What is it now?", "I do."]))
        if dice.random() < 0.3:
            turns.answering(dice.random() < 0.5)

    assert turns.speaking == (len([event for event in events if not isinstance(event, TimedOut)]) % 2 == 1)
    in_turns = [event for event in events if not isinstance(event, TimedOut)]
    assert all(isinstance(event, Started if index % 2 == 0 else Stopped) for index, event in enumerate(in_turns))
    times = [moment(event) for event in events]
    assert times == sorted(times)
    assert all(1000 <= time <= turns.now_ms for time in times)
    assert all(event.audio_start_ms < event.audio_end_ms for event in events if isinstance(event, TimedOut))


def moment(event):
    return event.audio_start_ms if isinstance(event, Started) else event.audio_end_ms


def test_the_blocks_do_not_matter():
    dice = random.Random(1)
    numbers = [dice.random() for _ in range(3000)]
    turns = Turns(replace(SERVER, silence_duration_ms=100))

    one_by_one = [event for number in numbers for event in turns.push([number])]

    assert one_by_one == Turns(replace(SERVER, silence_duration_ms=100)).push(numbers)
    assert len(one_by_one) > 10


@pytest.mark.parametrize(("spoken_ms", "partial", "decision"), [
    (200, "", "wait"),
    (500, "[cough]", "wait"),
    (700, "", "interrupt"),
    (300, "uh-huh", "ignore"),
    (900, "Yes, okay.", "ignore"),
    (1600, "yes", "interrupt"),
    (100, "wait", "interrupt"),
    (300, "no", "interrupt"),
    (600, "yes but what about", "interrupt"),
])  # fmt: skip
def test_what_is_said_over_an_answer_ends_it_or_not(spoken_ms, partial, decision):
    assert interruption(spoken_ms, partial) == decision
