"""The unmodified `openai` package holds a conversation; all that it is told passes the strict readers."""

from __future__ import annotations

import audioop
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import numpy as np
import pytest
import soxr
from websockets.exceptions import InvalidStatus

from tests.clients.readers import Readers
from tests.e2e.system import System
from tests.e2e.talk import PHRASE, RATE, SILENCE, WORDS, Talk, phrase, talking, understood

pytestmark = pytest.mark.shapes("deployed")

LONG = "It was a bright cold day in April and the clocks were striking. " * 40 + "Good bye."  # minutes of sound
HEARD: dict[str, Any] = {"transcription": {"model": "whisper-1", "language": "en"}}
TURNS: dict[str, Any] = {
    "server_vad": {"type": "server_vad"},
    "semantic_vad": {"type": "semantic_vad", "eagerness": "high"},
    "none": None,
}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}}
TELEPHONE = 8000

Opens = Callable[..., AbstractAsyncContextManager[Talk]]


@pytest.fixture
def talk(system: System, readers: Readers) -> Opens:
    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[Talk]:
        async with talking(system, **options) as talk:
            assert (await talk.next()).type == "session.created"
            yield talk
        assert readers.objections(talk.told) == []

    return opened


def secret(system: System, **session: Any) -> str:
    """An ephemeral one, made by whoever has a key."""
    answer = httpx.post(f"{system.url}/v1/realtime/client_secrets", headers=system.headers, json={"session": session})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["value"])


@pytest.mark.shapes("embedded", "deployed")
@pytest.mark.parametrize("turns", TURNS)
async def test_it_is_heard_understood_and_answered(talk: Opens, turns: str):
    async with talk() as t:
        session = await t.set(audio={"input": {**HEARD, "turn_detection": TURNS[turns]}})
        await t.say(phrase() + SILENCE)
        if turns == "none":
            await t.connection.input_audio_buffer.commit()
        heard = await t.until("conversation.item.input_audio_transcription.completed")
        if turns == "none":
            await t.connection.response.create()
        done = await t.until("response.done")

    assert (session.audio.input.turn_detection and session.audio.input.turn_detection.type) == (TURNS[turns] and turns)
    assert set(heard.transcript.split()) >= WORDS
    assert done.response.status == "completed"
    assert done.response.output[0].content[0].transcript == heard.transcript
    assert understood(t.audio) >= WORDS
    spoken_over = [kind for kind in t.kinds() if kind.startswith("input_audio_buffer.speech")]
    assert len(spoken_over) == (0 if turns == "none" else 2)


async def test_an_answer_is_cancelled_and_the_conversation_goes_on(talk: Opens):
    async with talk() as t:
        await t.write(LONG)
        await t.connection.response.create()
        await t.until("response.output_audio.delta")
        await t.connection.response.create(event_id="second")
        active = await t.until("error")
        await t.connection.response.cancel()
        done = await t.until("response.done")
        await t.connection.response.cancel(event_id="again")
        gone = await t.until("error")
        await t.connection.response.create(response={"output_modalities": ["text"]})
        after = await t.until("response.done")

    assert (active.error.code, active.error.event_id) == ("conversation_already_has_active_response", "second")
    assert (done.response.status, done.response.status_details.reason) == ("cancelled", "client_cancelled")
    assert (gone.error.code, gone.error.event_id) == ("response_cancel_not_active", "again")
    assert (after.response.status, after.response.output[0].content[0].text) == ("completed", LONG)


async def test_who_speaks_over_an_answer_ends_it_and_it_is_truncated_to_what_was_heard(talk: Opens):
    async with talk() as t:
        await t.write(LONG)
        await t.connection.response.create()
        begun = await t.until("response.output_audio.delta")
        await t.hear(2)
        await t.say(phrase()[:RATE])
        await t.until("input_audio_buffer.speech_started")
        done = await t.until("response.done")
        await t.connection.conversation.item.truncate(item_id=begun.item_id, content_index=0, audio_end_ms=500)
        await t.until("conversation.item.truncated")
        await t.connection.conversation.item.retrieve(item_id=begun.item_id)
        cut = await t.until("conversation.item.retrieved")
        await t.connection.conversation.item.truncate(item_id=begun.item_id, content_index=0, audio_end_ms=90_000)
        beyond = await t.until("error")

    assert (done.response.status, done.response.status_details.reason) == ("cancelled", "turn_detected")
    assert len(cut.item.content[0].transcript) < 20
    assert beyond.error.param == "audio_end_ms"


async def test_a_tool_is_called_and_its_answer_said(talk: Opens):
    async with talk() as t:
        await t.set(tools=[WEATHER], tool_choice={"type": "function", "name": "weather"}, output_modalities=["text"])
        await t.write("Will it rain?")
        await t.connection.response.create()
        call = await t.until("response.function_call_arguments.done")
        called = await t.until("response.done")
        await t.connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": call.call_id, "output": "It will not."}
        )
        await t.connection.response.create()
        said = await t.until("response.done")

    assert (call.name, json.loads(call.arguments)) == ("weather", {"text": "Will it rain?"})
    assert [item.type for item in called.response.output] == ["function_call"]
    assert said.response.output[0].content[0].text == "It will not."


async def test_a_response_beside_the_conversation_leaves_it_as_it_was(talk: Opens):
    async with talk() as t:
        await t.write("Hello")
        before = await t.until("conversation.item.done")
        question = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is this about?"}]}
        beside: Any = {"conversation": "none", "input": [question], "output_modalities": ["text"], "metadata": {"topic": "summary"}}
        await t.connection.response.create(response=beside)
        aside = await t.until("response.done")
        await t.write("Good bye")
        after = await t.until("conversation.item.added")

    assert (aside.response.metadata, aside.response.conversation_id) == ({"topic": "summary"}, None)
    assert aside.response.output[0].content[0].text == "What is this about?"
    assert after.previous_item_id == before.item.id


@pytest.mark.parametrize(
    ("form", "encode", "decode"),
    [("audio/pcmu", audioop.lin2ulaw, audioop.ulaw2lin), ("audio/pcma", audioop.lin2alaw, audioop.alaw2lin)],
)
async def test_it_talks_as_a_telephone_does(talk: Opens, form: str, encode: Any, decode: Any):
    narrow = soxr.resample(np.frombuffer(phrase() + SILENCE, "<i2"), RATE, TELEPHONE).astype("<i2")
    async with talk() as t:
        shown = await t.set(audio={"input": {**HEARD, "format": {"type": form}}, "output": {"format": {"type": form}}})
        await t.say(encode(narrow.tobytes(), 2), block=800)
        heard = await t.until("conversation.item.input_audio_transcription.completed")
        await t.until("response.done")

    assert (shown.audio.input.format.type, shown.audio.output.format.type) == (form, form)
    assert set(heard.transcript.split()) >= WORDS
    assert understood(decode(t.audio, 2), TELEPHONE) >= WORDS


@pytest.mark.parametrize("way", ["intent", "secret"])
async def test_a_session_that_only_transcribes(talk: Opens, system: System, way: str):
    if way == "intent":
        options: dict[str, Any] = {"extra_query": {"intent": "transcription"}}
    else:
        options = {"key": secret(system, type="transcription", audio={"input": HEARD})}
    async with talk(**options) as t:
        if way == "intent":
            wanted: Any = {"type": "transcription", "audio": {"input": HEARD}}
            await t.connection.session.update(session=wanted)
            await t.until("session.updated")
        await t.say(phrase() + SILENCE)
        heard = await t.until("conversation.item.input_audio_transcription.completed")

    assert json.loads(t.told[0])["session"]["type"] == "transcription"
    assert set(heard.transcript.split()) >= WORDS
    assert not [kind for kind in t.kinds() if kind.startswith("response.")]


async def test_a_secret_opens_the_session_that_it_was_made_for_once(talk: Opens, system: System):
    key = secret(system, type="realtime", instructions="Be kind.", output_modalities=["text"])
    async with talk(key=key) as t:
        await t.write(PHRASE)
        await t.connection.response.create()
        done = await t.until("response.done")
    async with talking(system, key=key) as again:
        refused = await again.until("error")

    assert json.loads(t.told[0])["session"]["instructions"] == "Be kind."
    assert done.response.output[0].content[0].text == PHRASE
    assert refused.error.code == "invalid_api_key"


@pytest.mark.parametrize("key", ["sk-unknown", "ek_unknown"])
async def test_a_key_that_is_none_opens_nothing(system: System, key: str):
    with pytest.raises(InvalidStatus) as refused:
        async with talking(system, key=key):
            pass

    assert refused.value.response.status_code == 403
