"""A job's events and its archive against the running system."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.e2e.sockets import end
from tests.e2e.system import System
from tests.waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.shapes("deployed")

LONG = 300  # items of a job that is not over at once
IDLE_TICKS = 2  # of 10 ms, in half a second
ENDS = ("job.completed", "job.failed", "job.cancelled")


def brief(client: httpx.Client, number: int) -> str:
    items = [{"input": f"event {place}", "ref": f"ref {place}"} for place in range(number)]
    answer = client.post("/v1/jobs", json={"model": "tone", "voice": "tone", "response_format": "pcm", "items": items})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def told(client: httpx.Client, job: str, after: int = 0) -> Iterator[dict[str, Any]]:
    """The events of a job as they come: `id` where there is one, `event`, `data`."""
    with client.stream("GET", f"/v1/jobs/{job}/events", headers={"Last-Event-ID": str(after), "Accept": "text/event-stream"}) as answer:
        assert answer.status_code == 200, answer.status_code
        event: dict[str, Any] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                event[name] = int(value) if name == "id" else json.loads(value) if name == "data" else value
            elif event:
                yield event
                event = {}


def socket(system: System, headers: dict[str, str] | None = None, **options: Any) -> ClientConnection:
    address = f"ws://127.0.0.1:{system.port}/v1/events"
    connection: ClientConnection = connect(address, additional_headers=system.headers if headers is None else headers, **options)
    return connection


def say(connection: ClientConnection, **message: Any) -> None:
    connection.send(json.dumps(message))


def hear(connection: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(connection.recv(timeout=TIMEOUT_S))
    return message


def many_ends(system: System, *, jobs: int, items: int) -> list[str]:
    """Jobs, each with items that failed for long reasons."""
    code = f"""
from accounts.ids import new_id
from accounts.models import User
from jobs.models import Item, Job
owner = User.objects.order_by("date_joined").first()
for _ in range({jobs}):
    job = Job.objects.create(owner=owner, kind="speech", state="failed", total={items}, failed={items}, sequence={items})
    Item.objects.bulk_create(
        [
            Item(job=job, owner=owner, position=n, actor="speak", format="pcm", media_type="audio/pcm", state="failed", sequence=n + 1,
                 rung_at=None, ref="r" * 200, error_code="no", error_message="\u00e9" * 500, error_status=400)
            for n in range({items})
        ],
        batch_size=500,
    )
    print(job.pk)
"""
    return system.shell(code).split()


def resting(system: System, name: str, number: int = 1) -> list[str]:
    """Jobs of a user of that name to which nothing happens."""
    code = (
        "from accounts.models import User; from jobs.models import Job; owner = User.objects.get(username={!r});"
        "print(*(Job.objects.create(owner=owner, kind='speech', total=1).pk for _ in range({})))"
    )
    return system.shell(code.format(name, number)).split()


def memory(system: System) -> int:
    """Bytes that the server holds."""
    status = Path(f"/proc/{system.web.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def wait_until_idle(system: System) -> None:
    """Return when the server has used no processor time for half a second: it has sent all that it can."""

    def is_idle() -> bool:
        before = _processor_ticks(system)
        time.sleep(0.5)
        return _processor_ticks(system) <= before + IDLE_TICKS

    wait_until(is_idle)


def _processor_ticks(system: System) -> int:
    user, kernel = Path(f"/proc/{system.web.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return int(user) + int(kernel)


def test_every_end_is_told_once_in_order_and_again_from_any_place(system: System):
    with system.client() as client:
        job = brief(client, 12)
        live = list(told(client, job))
        ends = [event for event in live if "id" in event]
        again = [list(told(client, job, after)) for after in range(len(ends))]
        nothing = client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": str(len(ends))})

    assert [event["id"] for event in ends] == list(range(1, 14))
    assert {event["data"]["ref"] for event in ends[:-1]} == {f"ref {place}" for place in range(12)}
    assert (ends[-1]["event"], ends[-1]["data"]["counts"]["completed"]) == ("job.completed", 12)
    assert {event["event"] for event in live} <= {"item.completed", "job.progress", "job.completed"}
    for after, events in enumerate(again):
        assert [event for event in events if "id" in event] == ends[after:]
    assert nothing.status_code == 204


def test_an_end_is_told_while_the_job_goes_on(system: System):
    with system.client() as client:
        job = brief(client, LONG)
        for event in told(client, job):
            if event["event"] == "item.completed":
                break
        state = client.get(f"/v1/jobs/{job}").json()["state"]
        client.post(f"/v1/jobs/{job}/cancel")
        rest = list(told(client, job, event["id"]))

    assert state == "running"
    assert rest[-1]["event"] in ENDS
    assert min(event["id"] for event in rest if "id" in event) == event["id"] + 1


def test_a_socket_tells_of_several_jobs_at_once(system: System):
    with system.client() as client, socket(system) as connection:
        jobs = [brief(client, 5) for _ in range(3)]
        for job in jobs:
            say(connection, type="job.subscribe", job_id=job)
        found: dict[str, list[dict[str, Any]]] = {job: [] for job in jobs}
        while any(not events or events[-1]["type"] not in ENDS for events in found.values()):
            message = hear(connection)
            found[message["job_id"]].append(message)
        # what is over is followed no more, and may be asked for again
        say(connection, type="job.subscribe", job_id=jobs[0], after=4)
        again = [hear(connection) for _ in range(3)]

    for events in found.values():
        assert events[0]["type"] == "job.subscribed"
        assert [event["sequence"] for event in events if "sequence" in event] == [1, 2, 3, 4, 5, 6]
    assert again[1:] == [event for event in found[jobs[0]] if event.get("sequence", 0) > 4]


def test_a_socket_that_was_unsubscribed_hears_no_more(system: System):
    with system.client() as client, socket(system) as connection:
        job = brief(client, LONG)
        say(connection, type="job.subscribe", job_id=job)
        while hear(connection)["type"] != "item.completed":
            pass
        say(connection, type="job.unsubscribe", job_id=job)
        while hear(connection)["type"] != "job.unsubscribed":
            pass
        client.post(f"/v1/jobs/{job}/cancel")
        with socket(system) as another:
            say(another, type="job.subscribe", job_id=job)
            while hear(another)["type"] not in ENDS:
                pass
        say(connection, type="job.unsubscribe", job_id=job)
        assert hear(connection)["type"] == "job.unsubscribed"


def test_a_browser_says_who_it_is_in_the_subprotocols(system: System):
    with socket(system, {}, subprotocols=["voice", f"bearer.{system.key}"]) as connection:
        say(connection, type="job.subscribe", job_id="job_00000000000000000000000000")
        assert connection.subprotocol == "voice"
        assert hear(connection)["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"headers": {"Authorization": "Bearer nonsense"}},
        {"headers": {"Authorization": "Basic {key}"}},
        {"subprotocols": ["voice"]},
        {"subprotocols": ["bearer.{key}"]},
        {"subprotocols": ["voice", "bearer.{key}", "bearer.{key}"]},
        {"subprotocols": ["voice", "bearer.{key}"], "headers": {"Authorization": "Bearer nonsense"}},
        {"query": "?token={key}"},
    ],
)
def test_whoever_does_not_say_who_he_is_is_refused(system: System, given: dict[str, Any]):
    headers = {name: value.format(key=system.key) for name, value in given.get("headers", {}).items()}
    subprotocols = [value.format(key=system.key) for value in given.get("subprotocols", [])] or None
    address = f"ws://127.0.0.1:{system.port}/v1/events{given.get('query', '').format(key=system.key)}"

    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers, subprotocols=subprotocols):
        pass

    assert refused.value.response.status_code in (400, 403)  # daphne itself refuses what is offered twice


def test_a_key_without_the_scope_is_refused(system: System):
    code = (
        "from accounts.models import User, Scope; from accounts.tokens import issue_key;"
        "print(issue_key(owner=User.objects.order_by('date_joined').first(), name='key', scopes=[Scope.SPEECH])[1])"
    )

    with pytest.raises(InvalidStatus) as refused, socket(system, {"Authorization": f"Bearer {system.shell(code)}"}):
        pass

    assert refused.value.response.status_code == 403


def test_another_owners_job_is_not_found_and_the_socket_stays(system: System):
    with system.client() as client:
        job = brief(client, 1)
    stranger = system.another_user("stranger")
    with socket(system, stranger) as connection:
        for _ in range(2):
            say(connection, type="job.subscribe", job_id=job)
            assert hear(connection) == {
                "type": "error",
                "error": {"type": "invalid_request_error", "code": "not_found", "message": "There is no such job.", "param": "job_id"},
            }
    assert httpx.get(f"{system.url}/v1/jobs/{job}/events", headers=stranger).status_code == 404
    assert httpx.get(f"{system.url}/v1/jobs/{job}/archive", headers=stranger).status_code == 404


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "parse_error"),
        ("{", "parse_error"),
        ("[" * 60_000, "parse_error"),
        ("[]", "invalid_request"),
        ("{}", "invalid_value"),
        ('{"type": ["job.subscribe"]}', "invalid_value"),
        ('{"type": "job.delete", "job_id": "x"}', "invalid_value"),
        ('{"type": "job.subscribe"}', "invalid_type"),
        ('{"type": "job.subscribe", "job_id": 1}', "invalid_type"),
        ('{"type": "job.subscribe", "job_id": "job_\\u0000"}', "not_found"),
        ('{"type": "job.subscribe", "job_id": "\\ud800"}', "not_found"),
        ('{"type": "job.subscribe", "job_id": "JOB", "after": 1}', "not_found"),
        ('{"type": "job.subscribe", "job_id": "JOB0", "after": -1}', "invalid_parameter"),
        ('{"type": "job.subscribe", "job_id": "JOB0", "after": true}', "invalid_parameter"),
        ('{"type": "job.subscribe", "job_id": "JOB0", "after": 1e3}', "invalid_parameter"),
        ('{"type": "job.subscribe", "job_id": "JOB0", "after": ' + "9" * 5000 + "}", "parse_error"),
        ('{"type": "job.unsubscribe", "job_id": "JOB0", "after": 1}', "unknown_field"),
    ],
)
def test_a_message_that_is_not_understood_is_answered_and_the_socket_stays(system: System, text: str, code: str):
    with socket(system) as connection:
        connection.send(text.replace("JOB0", "job_00000000000000000000000000"))
        assert hear(connection)["error"]["code"] == code
        say(connection, type="job.unsubscribe", job_id="job_00000000000000000000000000")
        assert hear(connection)["type"] == "job.unsubscribed"


@pytest.mark.parametrize(("sent", "code"), [(b"{}", 1003), ("x" * 65_537, 1009), ("é" * 32_769, 1009)])
def test_what_is_no_message_ends_the_socket(system: System, sent: str | bytes, code: int):
    with socket(system) as connection:
        connection.send(sent)
        assert end(connection) == code


def test_a_flood_of_messages_ends_the_socket(system: System):
    with socket(system) as connection:
        with suppress(ConnectionClosed):
            for _ in range(5000):
                say(connection, type="job.unsubscribe", job_id="job_00000000000000000000000000")
        assert end(connection) == 1008


def test_a_socket_follows_so_many_jobs_and_each_once(system: System):
    headers = system.another_user("dora")
    jobs = resting(system, "dora", 21)
    with socket(system, headers) as connection:
        for job in [*jobs, jobs[0]]:
            say(connection, type="job.subscribe", job_id=job)
        refused: list[str] = []
        while len(refused) < 2:
            message = hear(connection)
            refused += [message["error"]["code"]] if message["type"] == "error" else []

    assert refused == ["too_many_subscriptions", "invalid_state"]


def test_whoever_may_call_no_more_is_cut_off(system: System):
    headers = system.another_user("carol")
    job = resting(system, "carol")[0]
    revoke = "from accounts.models import ApiKey; [key.revoke() for key in ApiKey.objects.filter(owner__username='carol')]"
    with (
        socket(system, headers) as connection,
        httpx.stream("GET", f"{system.url}/v1/jobs/{job}/events", headers=headers, timeout=TIMEOUT_S) as stream,
    ):
        say(connection, type="job.subscribe", job_id=job)
        lines = stream.iter_lines()
        next(lines)
        system.shell(revoke)
        code = end(connection)
        rest = list(lines)

    assert code == 4401
    assert not any(line.startswith("event: job.c") for line in rest)


def test_a_client_that_does_not_read_does_not_fill_the_server(system: System):
    jobs = many_ends(system, jobs=4, items=2000)
    with socket(system, max_queue=2) as connection:
        say(connection, type="job.subscribe", job_id=jobs[0])
        while hear(connection)["type"] != "job.failed":
            pass
        before = memory(system)
        for job in jobs:
            say(connection, type="job.subscribe", job_id=job)
        wait_until_idle(system)
        grown = memory(system) - before

        places: dict[str, list[int]] = {job: [] for job in jobs}
        ended = 0
        while ended < len(jobs):
            message = hear(connection)
            ended += message["type"] == "job.failed"
            if "sequence" in message:
                places[message["job_id"]].append(message["sequence"])

    assert grown < 15 << 20
    assert all(numbers == list(range(1, 2002)) for numbers in places.values())


def test_clients_that_leave_leave_nothing_behind(system: System):
    def opened() -> int:
        return len(list(Path(f"/proc/{system.web.pid}/fd").iterdir()))

    headers = system.another_user("erin")
    job = resting(system, "erin")[0]
    before = opened()
    for _ in range(50):
        with socket(system, headers) as connection:
            say(connection, type="job.subscribe", job_id=job)
            hear(connection)
        with httpx.stream("GET", f"{system.url}/v1/jobs/{job}/events", headers=headers) as stream:
            next(stream.iter_lines())

    wait_until(lambda: opened() <= before + 10)


def test_the_archive_holds_what_was_made_and_its_sums(system: System):
    with system.client() as client:
        job = brief(client, 12)
        list(told(client, job))
        answer = client.get(f"/v1/jobs/{job}/archive")

    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    rows = json.loads(archive.read("manifest.json"))["items"]
    assert archive.testzip() is None
    assert [row["ref"] for row in rows] == [f"ref {place}" for place in range(12)]
    for row in rows:
        data = archive.read(row["file"])
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (row["sha256"], row["bytes"])
    assert len({row["sha256"] for row in rows}) == 12


def test_an_archive_that_is_not_read_does_not_fill_the_server(system: System):
    code = """
import os, io
from accounts.models import User
from jobs.models import Item, Job, Output
from jobs.storage import keep
owner = User.objects.order_by("date_joined").first()
job = Job.objects.create(owner=owner, kind="speech", state="completed", total=100, completed=100, sequence=100)
blob = keep(io.BytesIO(os.urandom(3 << 20)), owner_id=owner.pk, form="pcm")
items = [Item(job=job, owner=owner, position=n, actor="speak", format="pcm", media_type="audio/pcm", state="completed", sequence=n + 1,
              rung_at=None) for n in range(100)]
Item.objects.bulk_create(items)
Output.objects.bulk_create(Output.of(item, blob=blob, attempt=1, seconds=1.0) for item in items)
print(job.pk)
"""
    job = system.shell(code)
    before = memory(system)
    with system.client() as client, client.stream("GET", f"/v1/jobs/{job}/archive") as answer:
        pieces = answer.iter_raw()
        size = len(next(pieces))
        wait_until_idle(system)
        unread = memory(system) - before
        digest = io.BytesIO()
        for piece in pieces:
            size += len(piece)
            digest = io.BytesIO(piece)
        read = memory(system) - before

    assert size > 300 << 20
    assert digest.getvalue().endswith(b"\0\0")  # the end of the directory: nothing is missing
    assert unread < 30 << 20
    assert read < 30 << 20
