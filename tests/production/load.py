"""Clients that work while the machine is restarted under them: the official one with its own settings, and some without any patience.

Raw failures are what the wire showed; visible ones are what somebody who uses the client as its documentation says would have seen.
"""

from __future__ import annotations

import io
import itertools
import json
import ssl
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import numpy as np
import openai
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from tests.tones import read_tones

PAUSE = 0.15
# seconds between two requests of a client
PATIENCE = 60
SLOW_SEED = 1040
# the tone engine then takes 40 ms for each letter: it lasts about as long as it is heard
AGAIN = 0.3
# seconds after which a client connects once more
RESTARTED = 1012
AWAY = 1013
KEPT = "item_kept"
ITEMS = 12


class Tally:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.done: Counter[str] = Counter()
        self.raw: Counter[str] = Counter()
        self.visible: list[str] = []
        self.slowest = 0.0
        # seconds of one speech

    def count(self, kind: str) -> None:
        with self._lock:
            self.done[kind] += 1

    def failed(self, what: str) -> None:
        with self._lock:
            self.raw[what] += 1

    def seen(self, what: str) -> None:
        with self._lock:
            self.visible.append(what)

    def took(self, seconds: float) -> None:
        with self._lock:
            self.slowest = max(self.slowest, seconds)


class Noted(httpx2.HTTPTransport):
    """Notes what goes wrong below the retries of the client."""

    def __init__(self, tally: Tally, trust: ssl.SSLContext) -> None:
        super().__init__(verify=trust)
        self._tally = tally

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        try:
            response = super().handle_request(request)
        except httpx2.TransportError as error:
            self._tally.failed(f"{request.method} {path}: {type(error).__name__}")
            raise
        if response.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
            self._tally.failed(f"{request.method} {path}: {response.status_code}")
        return response


class Load:
    """`with` keeps them all at work."""

    def __init__(self, url: str, key: str, trust: ssl.SSLContext, tally: Tally) -> None:
        self._url = url
        self._key = key
        self._trust = trust
        self._tally = tally
        self._over = threading.Event()
        self._numbers = itertools.count()
        steps: list[Callable[..., None]] = [*[self._speak] * 3, self._speak_slowly, self._look, self._upload, self._brief]
        self._threads = [threading.Thread(target=self._repeat, args=(step,), name=step.__name__) for step in steps]
        self._threads += [threading.Thread(target=self._talk, args=(number,)) for number in range(4)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE)

    def client(self, **options: Any) -> openai.OpenAI:
        http = openai.DefaultHttpxClient(transport=Noted(self._tally, self._trust))
        return openai.OpenAI(base_url=f"{self._url}/v1", api_key=self._key, http_client=http, **options)

    def _repeat(self, step: Callable[..., None]) -> None:
        with self.client() as client:
            while not self._over.wait(PAUSE):
                try:
                    step(client)
                    self._tally.count(step.__name__)
                except Exception as error:
                    self._tally.seen(f"{step.__name__}: {error!r}")

    def _speak(self, client: openai.OpenAI, **options: Any) -> None:
        text, begun = f"speech number {next(self._numbers)} of many", time.monotonic()
        with client.audio.speech.with_streaming_response.create(
            model="tone", voice="tone", input=text, response_format="pcm", **options
        ) as speech:
            heard = read_tones(np.frombuffer(speech.read(), "<i2"))
        assert heard == text, (heard, text)
        self._tally.took(time.monotonic() - begun)

    def _speak_slowly(self, client: openai.OpenAI) -> None:
        self._speak(client, extra_body={"seed": SLOW_SEED})

    def _look(self, client: openai.OpenAI) -> None:
        """Without any patience: nothing is asked twice."""
        client.with_options(max_retries=0).get("/jobs?limit=5", cast_to=object)

    def _upload(self, client: openai.OpenAI) -> None:
        said = client.audio.transcriptions.create(model="whisper-1", file=("silence.wav", _silence(), "audio/wav"))
        assert said.text == "", said

    def _brief(self, client: openai.OpenAI) -> None:
        """A job, its events to the end, as a browser's EventSource follows them."""
        items = [{"input": f"item {number}"} for number in range(ITEMS)]
        body = {"model": "tone", "voice": "tone", "response_format": "pcm", "items": items}
        job: Any = client.post("/jobs", cast_to=object, body=body)
        told: list[int] = []
        last = ""
        deadline = time.monotonic() + PATIENCE
        while last != "job.completed":
            assert time.monotonic() < deadline, f"{job['id']} is at {last!r}"
            last = self._events(job["id"], told) or last
        assert told == sorted(set(told)), f"events twice or out of order: {told}"
        assert len(told) > ITEMS, told

    def _events(self, job_id: str, told: list[int]) -> str:
        """Those of one connection; the type of the last."""
        headers = {"Authorization": f"Bearer {self._key}", "Last-Event-ID": str(told[-1] if told else 0)}
        kind = ""
        try:
            with (
                httpx2.Client(transport=Noted(self._tally, self._trust)) as http,
                http.stream("GET", f"{self._url}/v1/jobs/{job_id}/events", headers=headers, timeout=PATIENCE) as events,
            ):
                for line in events.iter_lines():
                    name, _, value = line.partition(": ")
                    if name == "id":
                        told.append(int(value))
                    elif name == "event":
                        kind = value
        except httpx2.TransportError:
            # noted; a browser comes again by itself
            time.sleep(AGAIN)
        return kind

    def _talk(self, number: int) -> None:
        """A live session that comes back when it is told to, and finds what it had said."""
        try:
            session = ""
            while not self._over.is_set():
                with self._session(session) as connection:
                    session = self._hold(connection, known=bool(session), number=number)
        except Exception as error:
            self._tally.seen(f"live: {error!r}")

    def _session(self, session: str) -> ClientConnection:
        """Until there is one: what stands for it, such as 502 or 1013, is asked again."""
        query = f"?session_id={session}" if session else "?model=gpt-realtime"
        url = f"{self._url.replace('https', 'wss')}/v1/realtime{query}"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                connection = connect(url, additional_headers={"Authorization": f"Bearer {self._key}"}, ssl=self._trust)
            except (InvalidHandshake, OSError) as error:
                self._tally.failed(f"socket: {error}")
                time.sleep(AGAIN)
                continue
            with suppress(ConnectionClosed):
                first = json.loads(connection.recv(timeout=PATIENCE))
                if first["type"] == "session.created":
                    connection.session_id = first["session"]["id"]  # type: ignore[attr-defined]
                    return connection
                self._tally.failed(f"socket: {first['error']['code']}")
            time.sleep(AGAIN)
        raise AssertionError("no session in time")

    def _hold(self, connection: ClientConnection, *, known: bool, number: int) -> str:
        if known:
            connection.send(json.dumps({"type": "conversation.item.retrieve", "item_id": KEPT}))
            _told(connection, "conversation.item.retrieved")
            self._tally.count("_resumed")
        else:
            content = [{"type": "input_text", "text": f"I am number {number}."}]
            item = {"type": "message", "role": "user", "id": KEPT, "content": content}
            connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
            _told(connection, "conversation.item.done")
            self._tally.count("_talk")
        try:
            while not self._over.is_set():
                with suppress(TimeoutError):
                    connection.recv(timeout=AGAIN)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else None
            assert code in (RESTARTED, AWAY), f"closed with {code}"
        session: str = connection.session_id  # type: ignore[attr-defined]
        return session


def _told(connection: ClientConnection, kind: str) -> None:
    while (event := json.loads(connection.recv(timeout=PATIENCE)))["type"] != kind:
        assert event["type"] != "error", event


def _silence() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(2 * 16_000))
    return file.getvalue()
