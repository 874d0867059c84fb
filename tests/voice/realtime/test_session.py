"""The session as a machine: events and clock in, effects out; nothing is started."""

from __future__ import annotations

import base64
from itertools import count
from typing import Any

import pytest

from accounts.errors import InsufficientQuota
from config.errors import Refusal
from voice.realtime.effects import Close, Effect, Generate, Send, Sound, Speak, Stop, Transcribe
from voice.realtime.figures import Figures
from voice.realtime.playback import BYTES_A_MS
from voice.realtime.responder import Finish
from voice.realtime.session import Session
from voice.realtime.settings import checked

SPEECH, SILENCE = [1.0] * 5, [0.0] * 5
# 100 ms of either
BLOCK = bytes(100 * BYTES_A_MS)


def session(**fields: Any) -> Session:
    numbers = count(1)
    return Session(id="sess_1", settings=checked(fields), new_id=lambda prefix: f"{prefix}_{next(numbers)}", expires_at=0, user="alice")


def text_session(**fields: Any) -> Session:
    return session(output_modalities=["text"], **fields)


def types(effects: list[Effect]) -> list[str]:
    return [effect.event["type"] if isinstance(effect, Send | Sound) else type(effect).__name__ for effect in effects]


def only(effects: list[Effect], kind: type) -> Any:
    found = [effect for effect in effects if isinstance(effect, kind)]
    assert len(found) == 1, effects
    return found[0]


def event(effects: list[Effect], kind: str) -> dict[str, Any]:
    found = [effect.event for effect in effects if isinstance(effect, Send | Sound) and effect.event["type"] == kind]
    assert len(found) == 1, types(effects)
    return found[0]


def write(machine: Session, text: str, **fields: Any) -> list[Effect]:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    return machine.receive({"type": "conversation.item.create", "item": item, **fields}, 0.0)


def ask(machine: Session, now: float = 0.0, **response: Any) -> list[Effect]:
    return machine.receive({"type": "response.create", "response": response}, now)


def say(machine: Session, blocks: int, probabilities: list[float], now: float = 0.0) -> list[Effect]:
    return [effect for _ in range(blocks) for effect in machine.heard(BLOCK, probabilities, now)]


def turn(machine: Session, now: float = 0.0) -> list[Effect]:
    return say(machine, 5, SPEECH, now) + say(machine, 6, SILENCE, now)


def code(effects: list[Effect]) -> Any:
    return event(effects, "error")["error"]["code"]


def test_it_tells_its_settings_when_it_opens():
    told = event(session(instructions="Be kind.").open(), "session.created")["session"]

    assert (told["id"], told["object"], told["type"], told["instructions"]) == ("sess_1", "realtime.session", "realtime", "Be kind.")
    assert told["audio"]["input"]["turn_detection"]["type"] == "server_vad"


def test_an_answer_in_text_is_told_from_its_first_word_to_its_end():
    machine = text_session()
    write(machine, "Hello")

    begun = ask(machine)
    wanted = only(begun, Generate)
    effects = [*begun, *machine.replies.words(wanted.response_id, "Hi "), *machine.replies.words(wanted.response_id, "there.")]
    effects += machine.replies.answered(wanted.response_id, Finish("stop", input_tokens=2, output_tokens=3), 1.0)

    assert [(message.role, message.text) for message in wanted.prompt.messages] == [("user", "Hello")]
    assert types(effects) == [
        "response.created",
        "Generate",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "rate_limits.updated",
    ]
    done = event(effects, "response.done")["response"]
    assert (done["status"], done["output"][0]["content"]) == ("completed", [{"type": "output_text", "text": "Hi there."}])
    assert (done["usage"]["input_tokens"], done["usage"]["output_tokens"]) == (2, 3)


def test_a_turn_is_heard_understood_and_answered():
    machine = session()

    effects = turn(machine)
    heard = only(effects, Transcribe)
    effects += machine.transcribed(heard.item_id, "What time is it", 0.5, 1.0)

    assert types(effects) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "Transcribe",
        "response.created",
        "Generate",
    ]
    assert only(effects, Generate).prompt.messages[0].text == "What time is it"
    started, stopped = event(effects, "input_audio_buffer.speech_started"), event(effects, "input_audio_buffer.speech_stopped")
    assert started["audio_start_ms"] == 0
    assert stopped["audio_end_ms"] >= 1000
    assert len(heard.audio) // BYTES_A_MS >= 1000


def test_what_was_understood_is_told_to_who_wants_to_read_it():
    machine = session(audio={"input": {"transcription": {"model": "whisper-1"}}})

    heard = only(turn(machine), Transcribe)
    effects = machine.transcribed(heard.item_id, "Hello there", 0.5, 1.0)

    told = event(effects, "conversation.item.input_audio_transcription.completed")
    assert (told["transcript"], told["usage"]) == ("Hello there", {"type": "duration", "seconds": 0.5})
    kept = event(machine.receive({"type": "conversation.item.retrieve", "item_id": heard.item_id}, 1.0), "conversation.item.retrieved")
    assert kept["item"]["content"] == [{"type": "input_audio", "transcript": "Hello there"}]


def test_what_was_not_understood_names_no_parameter():
    """Readers of GA want a string there, or nothing."""
    machine = session(audio={"input": {"transcription": {"model": "whisper-1"}}})
    heard = only(turn(machine), Transcribe)

    failed = machine.not_transcribed(heard.item_id, Refusal("Broken.", code="engine_failed"), 0.0)

    told = event(failed, "conversation.item.input_audio_transcription.failed")
    assert told["error"] == {"type": "invalid_request_error", "code": "engine_failed", "message": "Broken."}


def spoken_answer(machine: Session, text: str, *, milliseconds: int, now: float = 0.0) -> list[Effect]:
    """Ask, and let the whole answer be made at once."""
    begun = ask(machine, now)
    response_id = only(begun, Generate).response_id
    effects = begun + machine.replies.words(response_id, text) + machine.replies.answered(response_id, Finish("stop"), now)
    piece = only(effects, Speak)
    effects += machine.replies.spoken(response_id, piece.piece, bytes(milliseconds * BYTES_A_MS), now)
    return effects + machine.replies.piece_spoken(response_id, piece.piece, now)


def test_a_spoken_answer_is_told_with_its_words_before_its_sound():
    machine = session()
    write(machine, "Hello")

    effects = spoken_answer(machine, "Good morning.", milliseconds=1000)

    told = types(effects)
    assert told.index("response.output_audio_transcript.delta") < told.index("response.output_audio.delta")
    assert told[-8:] == [
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert sum(len(effect.pcm) for effect in effects if isinstance(effect, Sound)) == 1000 * BYTES_A_MS
    assert event(effects, "response.done")["response"]["output"][0]["content"] == [{"type": "output_audio", "transcript": "Good morning."}]


def test_sound_runs_ahead_of_its_hearer_by_a_bound():
    machine = session()
    write(machine, "Hello")

    effects = spoken_answer(machine, "A very long story.", milliseconds=20_000)
    first = sum(len(effect.pcm) for effect in effects if isinstance(effect, Sound)) // BYTES_A_MS
    following = machine.replies.next_tick(0.0)
    later = machine.replies.tick(3.0)

    assert 5000 <= first <= 5200
    assert following is not None
    assert 0.0 <= following <= 0.3
    assert 2800 <= sum(len(effect.pcm) for effect in later if isinstance(effect, Sound)) // BYTES_A_MS <= 3200


def test_who_speaks_over_an_answer_ends_it_where_he_heard_it():
    machine = session()
    write(machine, "Hello")
    spoken_answer(machine, "One two three four five six seven eight.", milliseconds=8000)

    effects = say(machine, 3, SPEECH, now=4.0)

    assert types(effects)[:2] == ["input_audio_buffer.speech_started", "Stop"]
    done = event(effects, "response.done")["response"]
    assert (done["status"], done["status_details"]) == ("cancelled", {"type": "cancelled", "reason": "turn_detected"})
    assert done["output"][0]["content"][0]["transcript"] == "One two three four"
    assert not [effect for effect in machine.replies.tick(60.0) if isinstance(effect, Sound)]


def test_an_answer_that_is_still_being_made_was_not_heard_to_its_end():
    machine = session()
    write(machine, "Hello")
    begun = ask(machine)
    response_id = only(begun, Generate).response_id
    only(machine.replies.words(response_id, "It was a bright cold day in April and the clocks were striking. "), Speak)
    machine.replies.spoken(response_id, 0, bytes(400 * BYTES_A_MS), 0.0)

    effects = say(machine, 3, SPEECH, now=0.3)

    assert event(effects, "response.done")["response"]["output"][0]["content"][0]["transcript"] == "It"


def test_an_interruption_that_was_none_lets_the_answer_go_on():
    machine = session()
    write(machine, "Hello")
    spoken_answer(machine, "One two three four five six seven eight.", milliseconds=8000)

    effects = turn(machine, now=4.0)
    heard = only(effects, Transcribe)
    resumed = machine.transcribed(heard.item_id, "", 0.5, 5.0)

    assert not [effect for effect in resumed if isinstance(effect, Generate)]
    assert only(resumed, Speak).text == "five six seven eight."


def test_a_cough_does_not_end_an_answer_where_turns_are_understood():
    machine = session(audio={"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}})
    write(machine, "Hello")
    spoken_answer(machine, "One two three four five six seven eight.", milliseconds=8000)

    cough = say(machine, 2, SPEECH, now=1.0) + say(machine, 20, SILENCE, now=1.1)
    speech = say(machine, 8, SPEECH, now=2.0)

    assert not [kind for kind in types(cough) if kind.startswith(("input_audio_buffer", "response.done"))]
    assert "input_audio_buffer.speech_started" in types(speech)
    assert event(speech, "response.done")["response"]["status"] == "cancelled"


def test_a_client_says_where_a_turn_ends_where_none_is_detected():
    machine = session(audio={"input": {"turn_detection": None}})

    empty = machine.receive({"type": "input_audio_buffer.commit", "event_id": "e1"}, 0.0)
    say(machine, 5, [])
    effects = machine.receive({"type": "input_audio_buffer.commit"}, 0.0)

    assert code(empty) == "input_audio_buffer_commit_empty"
    assert event(empty, "error")["error"]["event_id"] == "e1"
    assert types(effects) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", "Transcribe"]
    assert len(only(effects, Transcribe).audio) == 5 * len(BLOCK)


def test_a_buffer_that_nobody_commits_is_bounded():
    machine = session(audio={"input": {"turn_detection": None}})

    effects = machine.heard(bytes(119_000 * BYTES_A_MS), [], 0.0) + machine.heard(bytes(2000 * BYTES_A_MS), [], 0.0)

    assert code(effects) == "input_audio_buffer_full"


def test_silence_is_not_kept():
    machine = session()

    say(machine, 600, SILENCE)
    heard = only(turn(machine), Transcribe)

    assert len(heard.audio) // BYTES_A_MS < 2500


def test_a_function_is_called_and_its_answer_read():
    machine = text_session(tools=[{"type": "function", "name": "weather", "parameters": {"type": "object"}}])
    write(machine, "Rain?")
    wanted = only(ask(machine), Generate)

    effects = machine.replies.call(wanted.response_id, 0, "call_9", "weather", '{"city"') + machine.replies.call(
        wanted.response_id, 0, "call_9", "weather", ': "Rome"}'
    )
    effects += machine.replies.answered(wanted.response_id, Finish("calls"), 0.0)

    assert wanted.prompt.tools[0]["name"] == "weather"
    done = event(effects, "response.function_call_arguments.done")
    assert (done["call_id"], done["name"], done["arguments"]) == ("call_9", "weather", '{"city": "Rome"}')
    item = {"type": "function_call_output", "call_id": "call_9", "output": "sunny"}
    machine.receive({"type": "conversation.item.create", "item": item}, 0.0)
    messages = only(ask(machine), Generate).prompt.messages
    assert [message.role for message in messages] == ["user", "assistant", "tool"]
    assert (messages[1].calls[0].name, messages[2].text) == ("weather", "sunny")


def test_one_answer_of_the_conversation_at_a_time_and_others_beside_it():
    machine = text_session()
    write(machine, "Hello")
    first = only(ask(machine), Generate)

    second = ask(machine)
    aside = ask(
        machine, conversation="none", input=[{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hm"}]}]
    )

    assert code(second) == "conversation_already_has_active_response"
    beside = only(aside, Generate)
    assert [message.text for message in beside.prompt.messages] == ["Hm"]
    told = machine.replies.words(beside.response_id, "x") + machine.replies.answered(beside.response_id, Finish("stop"), 0.0)
    assert "conversation.item.added" not in types(told)
    assert event(told, "response.done")["response"]["conversation_id"] is None
    assert machine.replies.words(first.response_id, "y")


def test_a_response_is_cancelled_once():
    machine = text_session()
    write(machine, "Hello")
    wanted = only(ask(machine), Generate)
    machine.replies.words(wanted.response_id, "Hal")

    effects = machine.receive({"type": "response.cancel"}, 0.0)
    again = machine.receive({"type": "response.cancel", "event_id": "e"}, 0.0)

    assert only(effects, Stop).response_id == wanted.response_id
    done = event(effects, "response.done")["response"]
    assert (done["status"], done["status_details"]["reason"], done["output"][0]["status"]) == (
        "cancelled",
        "client_cancelled",
        "incomplete",
    )
    assert code(again) == "response_cancel_not_active"
    assert event(again, "error")["error"]["message"].startswith("Cancellation failed")
    assert machine.replies.words(wanted.response_id, "lo") == machine.replies.answered(wanted.response_id, Finish("stop"), 0.0) == []


def test_what_was_not_heard_is_truncated_by_the_client():
    machine = session()
    write(machine, "Hello")
    effects = spoken_answer(machine, "One two three four.", milliseconds=4000)
    item_id = event(effects, "response.output_item.added")["item"]["id"]

    beyond = machine.receive({"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": 4001}, 9.0)
    cut = machine.receive({"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": 2000}, 9.0)
    unknown = machine.receive({"type": "conversation.item.truncate", "item_id": "item_x", "content_index": 0, "audio_end_ms": 1}, 9.0)

    assert "already shorter" in event(beyond, "error")["error"]["message"]
    assert types(cut) == ["conversation.item.truncated"]
    assert code(unknown) == "item_truncate_invalid_item_id"
    assert only(ask(machine, 9.0), Generate).prompt.messages[-1].text == "One two"


def test_items_are_put_in_their_place_and_deleted():
    machine = text_session()
    write(machine, "b", item_id="x")
    first = event(write(machine, "a", previous_item_id="root"), "conversation.item.added")
    unknown = write(machine, "c", previous_item_id="nowhere")
    deleted = machine.receive({"type": "conversation.item.delete", "item_id": first["item"]["id"]}, 0.0)
    again = machine.receive({"type": "conversation.item.delete", "item_id": first["item"]["id"]}, 0.0)

    assert first["previous_item_id"] is None
    assert code(unknown) == "item_create_invalid_item_id"
    assert types(deleted) == ["conversation.item.deleted"]
    assert code(again) == "item_delete_invalid_item_id"
    assert [message.text for message in only(ask(machine), Generate).prompt.messages] == ["b"]


def test_an_update_merges_and_null_clears():
    machine = session()

    first = machine.receive({"type": "session.update", "session": {"type": "realtime", "instructions": "A"}}, 0.0)
    second = machine.receive(
        {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}, "output": {"voice": {"id": "voice_1"}}}},
        },
        0.0,
    )

    assert event(first, "session.updated")["session"]["audio"]["input"]["turn_detection"]["type"] == "server_vad"
    told = event(second, "session.updated")["session"]
    assert (told["instructions"], told["audio"]["input"]["turn_detection"], told["audio"]["output"]["voice"]) == ("A", None, "voice_1")
    assert not machine.listens_for_turns


@pytest.mark.parametrize(
    ("sent", "expected", "param"),
    [
        ({"type": "nonsense"}, "invalid_value", "type"),
        ({}, "invalid_value", "type"),
        ({"type": "session.update"}, "invalid_type", "session"),
        ({"type": "session.update", "session": {}}, "missing_required_parameter", "session.type"),
        ({"type": "session.update", "session": {"type": "transcription"}}, "invalid_value", "session.type"),
        (
            {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["video"]}},
            "invalid_value",
            "session.output_modalities.0",
        ),
        ({"type": "conversation.item.create", "item": 5}, "invalid_type", "item"),
        ({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": "x"}}, "invalid_type", "item.content"),
        ({"type": "response.create", "response": {"metadata": 5}}, "invalid_value", "response.metadata"),
        ({"type": "output_audio_buffer.clear"}, "invalid_value", "type"),
    ],
)
def test_what_is_not_valid_is_refused_with_the_field_at_fault(sent, expected, param):
    effects = session().receive({**sent, "event_id": "evt_7"}, 0.0)

    error = event(effects, "error")["error"]
    assert (error["code"], error["param"], error["event_id"]) == (expected, param, "evt_7")


def test_the_voice_stays_once_it_was_heard():
    machine = session()
    write(machine, "Hello")
    spoken_answer(machine, "Good morning.", milliseconds=100)

    effects = machine.receive({"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "verse"}}}}, 1.0)

    assert code(effects) == "cannot_update_voice"


def test_a_failure_of_the_answer_is_told_and_the_session_goes_on():
    machine = text_session()
    write(machine, "Hello")
    wanted = only(ask(machine), Generate)

    effects = machine.unanswered(wanted.response_id, Refusal("Away.", code="responder_unavailable"), 0.0)

    done = event(effects, "response.done")["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "responder_unavailable")
    assert only(ask(machine), Generate)


def test_who_has_used_up_his_quota_is_told_so_and_let_go():
    machine = session()
    write(machine, "Hello")
    wanted = only(ask(machine), Generate)

    effects = machine.unanswered(wanted.response_id, InsufficientQuota(), 0.0)

    assert event(effects, "error")["error"]["code"] == "insufficient_quota"
    assert only(effects, Close).code == 1008


def test_a_transcription_session_answers_nothing():
    machine = session(type="transcription")

    heard = only(turn(machine), Transcribe)
    told = machine.transcribed(heard.item_id, "Hello", 0.5, 1.0)

    assert "conversation.item.input_audio_transcription.completed" in types(told)
    assert code(ask(machine)) == "invalid_value"
    assert event(machine.open(), "session.created")["session"]["object"] == "realtime.transcription_session"


def test_its_length_has_an_end():
    effects = session().expire()

    assert code(effects) == "session_expired"
    assert only(effects, Close).code == 1000


def test_a_conversation_of_hours_forgets_its_beginning():
    machine = text_session()

    for number in range(700):
        write(machine, f"line {number}")

    messages = only(ask(machine), Generate).prompt.messages
    assert (len(messages), messages[0].text, messages[-1].text) == (500, "line 200", "line 699")


def test_a_message_that_a_client_brings_in_sound_is_understood_before_it_is_answered():
    machine = text_session(audio={"input": {"format": {"type": "audio/pcmu"}}})
    said = {"type": "input_audio", "audio": base64.b64encode(b"\xff" * 800).decode()}

    effects = machine.receive({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [said]}}, 0.0)
    heard = only(effects, Transcribe)
    waits = ask(machine)
    goes_on = machine.transcribed(heard.item_id, "Hello", 0.1, 1.0)

    assert (heard.format, len(heard.audio)) == ("audio/pcmu", 800)
    assert types(waits) == ["response.created"]
    assert only(goes_on, Generate).prompt.messages[0].text == "Hello"


def test_sound_that_is_no_base64_is_refused():
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}, {"type": "input_audio", "audio": "%%%"}]}

    effects = session().receive({"type": "conversation.item.create", "item": item}, 0.0)

    assert event(effects, "error")["error"]["param"] == "item.content[1].audio"


def test_a_session_counts_what_it_came_to():
    machine = session()
    write(machine, "Hello")
    begun = ask(machine)
    response_id = only(begun, Generate).response_id

    machine.replies.words(response_id, "Good morning.")
    machine.replies.answered(response_id, Finish("stop", input_tokens=5, output_tokens=2), 0.0)
    machine.replies.spoken(response_id, 0, bytes(1000 * BYTES_A_MS), 0.0)
    machine.replies.piece_spoken(response_id, 0, 0.0)
    say(machine, 10, SILENCE)

    assert machine.figures == Figures(milliseconds_in=1000, milliseconds_out=1000, responses=1, input_tokens=5, output_tokens=2)


def semantic(**fields: Any) -> Session:
    return session(audio={"input": {"turn_detection": {"type": "semantic_vad", **fields}, "transcription": {"model": "whisper-1"}}})


def test_what_was_said_in_a_pause_decides_whether_the_turn_is_over():
    done, going_on = semantic(), semantic()

    for machine, words in ((done, "What time is it?"), (going_on, "I would like to and")):
        effects = say(machine, 5, SPEECH) + say(machine, 3, SILENCE)
        glimpse = only(effects, Transcribe)
        machine.glimpsed(glimpse.item_id, glimpse.until_ms, words, 0.8, 1.0)

    assert "input_audio_buffer.speech_stopped" in types(say(done, 5, SILENCE))
    assert types(say(going_on, 30, SILENCE)) == []


def test_what_was_understood_in_the_last_pause_is_not_understood_again():
    machine = semantic()
    glimpse = only(say(machine, 5, SPEECH) + say(machine, 3, SILENCE), Transcribe)
    machine.glimpsed(glimpse.item_id, glimpse.until_ms, "What time is it?", 0.8, 1.0)

    effects = say(machine, 5, SILENCE)

    assert not [effect for effect in effects if isinstance(effect, Transcribe)]
    assert event(effects, "conversation.item.input_audio_transcription.completed")["transcript"] == "What time is it?"
    assert only(effects, Generate).prompt.messages[0].text == "What time is it?"


def test_a_glimpse_that_comes_after_the_turn_is_its_transcript():
    machine = semantic()
    glimpse = only(say(machine, 5, SPEECH) + say(machine, 3, SILENCE), Transcribe)

    ended = say(machine, 30, SILENCE)
    effects = machine.glimpsed(glimpse.item_id, glimpse.until_ms, "Hello.", 0.8, 5.0)
    again = machine.glimpsed(glimpse.item_id, glimpse.until_ms, "Hello.", 0.8, 5.0)

    assert "response.created" in types(ended)
    assert not [effect for effect in ended if isinstance(effect, Transcribe | Generate)]
    assert only(effects, Generate).prompt.messages[0].text == "Hello."
    assert again == []


def test_who_speaks_on_after_a_pause_is_understood_whole():
    machine = semantic()
    glimpse = only(say(machine, 5, SPEECH) + say(machine, 3, SILENCE), Transcribe)
    machine.glimpsed(glimpse.item_id, glimpse.until_ms, "I would like", 0.8, 1.0)

    effects = say(machine, 5, SPEECH) + say(machine, 3, SILENCE)
    second = only(effects, Transcribe)
    machine.not_glimpsed(second.item_id, second.until_ms, Refusal("Broken.", code="engine_failed"), 1.0)
    ended = say(machine, 30, SILENCE)

    assert len(second.audio) > len(glimpse.audio)
    whole = only(ended, Transcribe)
    assert whole.until_ms is None
    assert len(whole.audio) > len(second.audio)
