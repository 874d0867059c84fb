"""Fifty conversations of chance: whatever comes in whatever order, what the client is told is in order."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import pytest

from config.errors import Refusal
from tests.voice.realtime.test_session import session
from voice.realtime.answer import AHEAD, SPEAK_AHEAD
from voice.realtime.effects import Close, Effect, Generate, Send, Sound, Speak, Stop, Transcribe
from voice.realtime.playback import BYTES_A_MS
from voice.realtime.responder import Finish
from voice.realtime.session import Session

STEPS = 400
DETECTIONS: list[Any] = [
    None,
    {"type": "server_vad"},
    {"type": "server_vad", "interrupt_response": False},
    {"type": "server_vad", "create_response": False},
    {"type": "server_vad", "idle_timeout_ms": 5000},
    {"type": "semantic_vad", "eagerness": "high"},
]


class World:
    """What is outside of a session: workers, a model and a client, who do as chance has it."""

    def __init__(self, seed: int, model: str = "gpt-realtime") -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.machine: Session = session(model=model, audio={"input": {"turn_detection": self.chance.choice(DETECTIONS)}})
        self.events: list[dict[str, Any]] = []
        self.heard: list[Transcribe] = []
        self.writing: list[str] = []
        self.speaking: list[tuple[str, int]] = []
        self.sent: dict[str, int] = defaultdict(int)
        self.take(self.machine.open())

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(event):
                    self.events.append(event)
                case Sound(event, pcm):
                    self.events.append(event)
                    self.sent[event["response_id"]] += len(pcm)
                case Transcribe():
                    self.heard.append(effect)
                case Generate():
                    self.writing.append(effect.response_id)
                case Speak():
                    self.speaking.append((effect.response_id, effect.piece))
                case Stop(response_id):
                    # what is under way may be told of once more: a thread can't be cancelled
                    if self.chance.random() < 0.7:
                        self.forget(response_id)
                case Close():
                    raise AssertionError(effect)

    def forget(self, response_id: str) -> None:
        self.writing = [each for each in self.writing if each != response_id]
        self.speaking = [each for each in self.speaking if each[0] != response_id]

    def step(self) -> None:
        self.now += self.chance.random() * 0.5
        machine, chance, now = self.machine, self.chance, self.now
        match chance.randrange(10):
            case 0 | 1 | 2:
                loud = chance.random() < 0.5
                for _ in range(chance.randrange(1, 12)):
                    self.take(machine.heard(bytes(100 * BYTES_A_MS), [float(loud)] * 5 if machine.listens_for_turns else [], now))
            case 3 if self.heard:
                wanted = self.heard.pop(chance.randrange(len(self.heard)))
                if chance.random() < 0.2:
                    self.not_understood(wanted)
                else:
                    self.understood(wanted, chance.choice(["", "uh-huh", "what time is it", "and"]))
            case 4 | 5 if self.writing:
                self.write(chance.choice(self.writing))
            case 6 | 7 if self.speaking:
                self.speak(chance.choice(self.speaking))
            case 8:
                self.take(machine.receive(self.client_event(), now))
            case _:
                self.take(machine.replies.tick(now))

    def understood(self, wanted: Transcribe, text: str) -> None:
        if wanted.until_ms is None:
            self.take(self.machine.transcribed(wanted.item_id, text, 1.0, self.now))
        else:
            self.take(self.machine.glimpsed(wanted.item_id, wanted.until_ms, text, 1.0, self.now))

    def not_understood(self, wanted: Transcribe) -> None:
        refusal = Refusal("Broken.", code="engine_failed")
        if wanted.until_ms is None:
            self.take(self.machine.not_transcribed(wanted.item_id, refusal, self.now))
        else:
            self.take(self.machine.not_glimpsed(wanted.item_id, wanted.until_ms, refusal, self.now))

    def write(self, response_id: str) -> None:
        match self.chance.randrange(6):
            case 0:
                self.writing.remove(response_id)
                self.take(self.machine.replies.answered(response_id, Finish("stop", 1, 1), self.now))
            case 1 if self.chance.random() < 0.2:
                self.writing.remove(response_id)
                self.take(self.machine.unanswered(response_id, Refusal("Away.", code="responder_unavailable"), self.now))
            case 2:
                self.take(self.machine.replies.call(response_id, self.chance.randrange(2), "call_1", "weather", '{"a":'))
            case _:
                self.take(
                    self.machine.replies.words(
                        response_id, self.chance.choice(["Yes. ", "I think so, ", "and then it rained. ", "12.5 km ", " "])
                    )
                )

    def speak(self, place: tuple[str, int]) -> None:
        if self.chance.random() < 0.4:
            self.speaking.remove(place)
            self.take(self.machine.replies.piece_spoken(*place, self.now))
        else:
            self.take(self.machine.replies.spoken(*place, bytes(self.chance.randrange(1, 3000) * BYTES_A_MS), self.now))

    def client_event(self) -> dict[str, Any]:
        items = [event["item"]["id"] for event in self.events if event["type"] == "conversation.item.added"] or ["item_0"]
        said = [{"type": "input_text", "text": "Hello"}]
        return self.chance.choice(
            [
                {"type": "response.create"},
                {"type": "response.create", "response": {"conversation": "none"}},
                {"type": "response.create", "response": {"output_modalities": ["text"]}},
                {"type": "response.cancel"},
                {"type": "input_audio_buffer.commit"},
                {"type": "input_audio_buffer.clear"},
                {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": said}},
                {"type": "conversation.item.truncate", "item_id": self.chance.choice(items), "content_index": 0, "audio_end_ms": 500},
                {"type": "conversation.item.delete", "item_id": self.chance.choice(items)},
                {"type": "conversation.item.retrieve", "item_id": self.chance.choice(items)},
                {
                    "type": "session.update",
                    "session": {"type": "realtime", "audio": {"input": {"turn_detection": self.chance.choice(DETECTIONS)}}},
                },
                {"type": "nonsense"},
            ]
        )

    def finish(self) -> None:
        """Let all that is under way come to its end, with nobody speaking."""
        self.take(self.machine.receive({"type": "input_audio_buffer.clear"}, self.now))
        for _ in range(2000):
            self.now += 1.0
            while self.heard:
                self.understood(self.heard.pop(), "good")
            while self.writing:
                self.take(self.machine.replies.answered(self.writing.pop(), Finish("stop"), self.now))
            while self.speaking:
                self.take(self.machine.replies.piece_spoken(*self.speaking.pop(), self.now))
            self.take(self.machine.replies.tick(self.now))
            if not (self.heard or self.writing or self.speaking) and self.machine.replies.next_tick(self.now) is None:
                return
        raise AssertionError("it does not end")


@pytest.mark.parametrize("seed", range(50))
def test_every_response_is_begun_and_ended_once_and_silent_after_its_end(seed):
    world = World(seed)
    for _ in range(STEPS):
        world.step()
        under_way: dict[str, int] = defaultdict(int)
        for response_id, _ in world.speaking:
            under_way[response_id] += 1
        live = {event["response"]["id"] for event in world.events if event["type"] == "response.created"}
        live -= {event["response"]["id"] for event in world.events if event["type"] == "response.done"}
        assert all(number <= SPEAK_AHEAD for response_id, number in under_way.items() if response_id in live)
    world.finish()

    begun: set[str] = set()
    ended: set[str] = set()
    open_items: dict[str, set[str]] = defaultdict(set)
    for event in world.events:
        kind = event["type"]
        if kind == "response.created":
            assert event["response"]["id"] not in begun
            begun.add(event["response"]["id"])
        elif kind == "response.done":
            response = event["response"]
            assert response["status"] != "in_progress"
            assert response["id"] in begun - ended
            assert not open_items[response["id"]]
            ended.add(response["id"])
        elif "response_id" in event:
            assert event["response_id"] in begun - ended, kind
            if kind == "response.output_item.added":
                open_items[event["response_id"]].add(event["item"]["id"])
            elif kind == "response.output_item.done":
                open_items[event["response_id"]].remove(event["item"]["id"])
            else:
                assert event["item_id"] in open_items[event["response_id"]], kind
    assert begun == ended


@pytest.mark.parametrize("seed", range(50, 60))
def test_no_more_sound_is_sent_than_may_be_ahead(seed):
    world = World(seed)

    for _ in range(STEPS):
        world.step()
        for answer in world.machine.replies._answers.values():
            assert answer.playback.ahead(world.now) <= AHEAD + 0.2
