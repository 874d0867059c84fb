from __future__ import annotations

import asyncio
from ipaddress import ip_network

import pytest
from django.core.files.storage import default_storage

from jobs.models import Output, State
from tests.factories import make_item, make_output

pytestmark = pytest.mark.shapes("embedded", "deployed")


def body(response) -> bytes:
    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return asyncio.run(collect())


def test_it_lists_your_outputs_newest_first(db, alice, bob, client_of):
    mine = [make_output(alice) for _ in range(3)]
    make_output(bob)

    page = client_of(alice).get("/v1/outputs").json()

    assert [row["id"] for row in page["data"]] == sorted((output.id for output in mine), reverse=True)
    assert (page["object"], page["has_more"]) == ("list", False)


def test_it_pages_by_the_last_id(db, alice, client_of):
    mine = sorted((make_output(alice).id for _ in range(5)), reverse=True)

    first = client_of(alice).get("/v1/outputs?limit=3").json()
    second = client_of(alice).get(f"/v1/outputs?limit=3&after={first['last_id']}").json()

    assert [row["id"] for row in first["data"] + second["data"]] == mine
    assert (first["has_more"], second["has_more"]) == (True, False)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=1000000",
        "limit=-1",
        "limit=abc",
        "limit=",
        "limit=１",
        "after=x",
        "ordering=owner__password",
    ],
)
def test_a_parameter_that_is_not_valid_is_named(db, alice, client_of, query):
    response = client_of(alice).get(f"/v1/outputs?{query}")

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_parameter"
    assert response.json()["error"]["param"] == query.partition("=")[0]


def test_it_shows_what_made_an_output(db, alice, client_of):
    output = make_output(alice, configuration={"voice": "slt"})

    shown = client_of(alice).get(f"/v1/outputs/{output.id}").json()

    assert shown["object"] == "output"
    assert shown["configuration"] == {"voice": "slt"}
    assert (shown["bytes"], shown["format"], shown["seconds"]) == (5, "pcm", 1.0)
    assert isinstance(shown["created_at"], int)


def test_it_sends_the_bytes(db, alice, client_of):
    output = make_output(alice, b"0123456789")

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content")

    assert body(response) == b"0123456789"
    assert response["Content-Type"] == "audio/pcm"
    assert response["Content-Length"] == "10"
    assert response["Content-Disposition"] == f'attachment; filename="{output.id}.pcm"'
    assert response["ETag"]
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "sent", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", b"0123456789", None),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
        ("bytes=0-0,2-3", b"0123456789", None),
        ("bytes=3-1", b"0123456789", None),
        ("bytes=-", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
        ("bytes=a-b", b"0123456789", None),
    ],
)
def test_it_sends_the_range_that_was_asked_for(db, alice, client_of, asked, sent, told):
    output = make_output(alice, b"0123456789")

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content", HTTP_RANGE=asked)

    assert body(response) == sent
    assert response.get("Content-Range") == told
    assert response.status_code == (206 if told else 200)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_outside_of_the_output_is_refused(db, alice, client_of, asked):
    output = make_output(alice, b"0123456789")

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content", HTTP_RANGE=asked)

    assert response.status_code == 416
    assert response.json()["error"]["code"] == "range_not_satisfiable"


def test_a_range_of_what_has_changed_is_answered_with_the_whole(db, alice, client_of):
    output = make_output(alice, b"0123456789")

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content", HTTP_RANGE="bytes=0-3", HTTP_IF_RANGE='"other"')

    assert response.status_code == 200


def test_what_the_client_has_already_is_not_sent_again(db, alice, client_of):
    output = make_output(alice)
    etag = client_of(alice).get(f"/v1/outputs/{output.id}/content")["ETag"]

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content", HTTP_IF_NONE_MATCH=etag)

    assert response.status_code == 304


def test_a_head_tells_the_size_without_the_bytes(db, alice, client_of):
    output = make_output(alice, b"0123456789")

    response = client_of(alice).head(f"/v1/outputs/{output.id}/content")

    assert (response.status_code, response["Content-Length"], response.content) == (200, "10", b"")


def test_a_proxy_of_ours_is_told_where_the_bytes_lie(db, alice, client_of, settings):
    settings.ACCEL_PREFIX, settings.TRUSTED_PROXIES = "/stored/", (ip_network("127.0.0.1"),)
    output = make_output(alice, b"0123456789")

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content", HTTP_RANGE="bytes=0-3")

    assert (response["X-Accel-Redirect"], response.content) == (f"/stored/{output.blob_id}", b"")
    assert (response["Content-Type"], response["ETag"]) == ("audio/pcm", f'"{output.blob.sha256}"')


@pytest.mark.parametrize("unlike", [{"REMOTE_ADDR": "192.0.2.1"}, {"HTTP_IF_MATCH": "*"}, {"HTTP_RANGE": "bytes=3-1"}])
def test_nobody_else_is_told_where_the_bytes_lie(db, alice, client_of, settings, unlike):
    settings.ACCEL_PREFIX, settings.TRUSTED_PROXIES = "/stored/", (ip_network("127.0.0.1"),)
    output = make_output(alice, b"0123456789")

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content", **unlike)

    assert "X-Accel-Redirect" not in response
    assert body(response) == b"0123456789"


def test_deleting_removes_the_row_and_the_file(transactional_db, alice, client_of):
    output = make_output(alice)

    response = client_of(alice).delete(f"/v1/outputs/{output.id}")

    assert response.json() == {"id": output.id, "object": "output.deleted", "deleted": True}
    assert not Output.objects.exists()
    assert not default_storage.exists(output.blob_id)


def test_deleting_twice_finds_nothing_the_second_time(transactional_db, alice, client_of):
    output = make_output(alice)
    client_of(alice).delete(f"/v1/outputs/{output.id}")

    response = client_of(alice).delete(f"/v1/outputs/{output.id}")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("method", "tail"), [("get", ""), ("delete", ""), ("get", "/content")])
def test_it_hides_the_outputs_of_other_owners(db, alice, bob, client_of, method, tail):
    output = make_output(alice)

    foreign = getattr(client_of(bob), method)(f"/v1/outputs/{output.id}{tail}")
    absent = getattr(client_of(bob), method)(f"/v1/outputs/out_00000000000000000000000000{tail}")

    assert foreign.status_code == absent.status_code == 404
    assert foreign.json() == absent.json()


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_an_output_that_is_being_made_is_not_ready(db, alice, client_of, state):
    item = make_item(alice, state=state)

    response = client_of(alice).get(f"/v1/outputs/{item.output_id}")

    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_ready")
    assert response["x-should-retry"] == "false"


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_an_output_that_was_not_made_is_gone(db, alice, client_of, state):
    item = make_item(alice, state=state)

    response = client_of(alice).get(f"/v1/outputs/{item.output_id}")

    assert (response.status_code, response.json()["error"]["code"]) == (410, "gone")


def test_an_output_whose_file_was_lost_is_gone(db, alice, client_of):
    output = make_output(alice)
    default_storage.delete(output.blob_id)

    response = client_of(alice).get(f"/v1/outputs/{output.id}/content")

    assert (response.status_code, response.json()["error"]["code"]) == (410, "gone")


@pytest.mark.parametrize("pk", ["1", "9" * 200, "..%2f1", "%00", "out_'; DROP TABLE", "ÿ"])
def test_an_id_that_is_none_is_not_found(db, alice, client_of, pk):
    response = client_of(alice).get(f"/v1/outputs/{pk}")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
