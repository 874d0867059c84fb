"""The storage as S3: what the settings make of the environment, against a server that speaks S3 over HTTP."""

from __future__ import annotations

import io
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import boto3
import pytest
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db.models.functions import Now
from moto.server import ThreadedMotoServer

from config import settings as ours
from jobs.bucket import Bucket
from jobs.errors import Gone, StorageUnavailable
from jobs.models import Blob
from jobs.purging import purge
from jobs.storage import discard, forget, keep, remove
from tests.factories import make_output
from tests.jobs.test_outputs import body
from tests.servers import free_port

pytestmark = pytest.mark.shapes("deployed")

ACCOUNT = {"s3_region": "eu-central-1", "s3_access_key_id": "key", "s3_secret_access_key": "secret"}


@pytest.fixture
def server(db) -> Iterator[ThreadedMotoServer]:
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    yield server
    server.stop()


class Wire:
    """What stands between us and the server, and counts the bytes that come back."""

    def __init__(self, port: int) -> None:
        self.came = 0
        self._port = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                with suppress(ConnectionRefusedError):
                    server = socket.create_connection(("127.0.0.1", self._port))
                    for source, goal in ((client, server), (server, client)):
                        threading.Thread(target=self._pass, args=(source, goal, goal is client), daemon=True).start()
                    continue
                client.close()

    def _pass(self, source: socket.socket, goal: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self.came += len(data) if counted else 0
                goal.sendall(data)
            goal.shutdown(socket.SHUT_WR)


@pytest.fixture
def wire(server) -> Iterator[Wire]:
    wire = Wire(server.get_host_and_port()[1])
    yield wire
    wire.close()


@pytest.fixture(autouse=True)
def bucket(server, wire, settings, monkeypatch):
    """The default storage is a bucket, as the settings say for such an environment."""
    url = f"http://127.0.0.1:{wire.port}"
    monkeypatch.setattr(ours, "ENV", ours.ENV.model_copy(update={**ACCOUNT, "s3_bucket": "outputs", "s3_endpoint_url": url}))
    settings.STORAGES = {**settings.STORAGES, "default": ours._outputs()}
    service = boto3.resource("s3", endpoint_url=url, region_name="eu-central-1", aws_access_key_id="key", aws_secret_access_key="secret")
    bucket = service.Bucket("outputs")
    bucket.create(CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield bucket
    bucket.objects.delete()
    bucket.delete()


def names(bucket) -> list[str]:
    return [each.key for each in bucket.objects.all()]


def check(*options: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("storage_check", *options, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_environment_makes_the_storage_a_bucket(bucket):
    assert isinstance(default_storage, Bucket)


def test_the_same_bytes_are_kept_once_and_under_their_name(alice, bucket):
    with tempfile.TemporaryFile() as file:
        file.write(b"sound")

        blob = keep(file, owner_id=alice.pk, form="mp3")
        keep(file, owner_id=alice.pk, form="mp3")

        # what the worker wrote it still reads, for those that follow it
        file.seek(0)
        assert file.read() == b"sound"
    assert names(bucket) == [blob.pk]
    assert bucket.Object(blob.pk).get()["Body"].read() == b"sound"
    assert [grant["Grantee"]["Type"] for grant in bucket.Object(blob.pk).Acl().grants] == ["CanonicalUser"]


def test_an_object_of_another_size_is_written_again(alice, bucket):
    blob = keep(io.BytesIO(b"whole"), owner_id=alice.pk, form="pcm")
    bucket.put_object(Key=blob.pk, Body=b"wh")

    keep(io.BytesIO(b"whole"), owner_id=alice.pk, form="pcm")

    assert bucket.Object(blob.pk).get()["Body"].read() == b"whole"


def test_what_is_larger_than_a_part_is_kept_whole(alice, bucket):
    data = os.urandom(20 << 20)

    blob = keep(io.BytesIO(data), owner_id=alice.pk, form="pcm")

    assert bucket.Object(blob.pk).get()["Body"].read() == data


def test_an_output_is_sent_whole_and_in_ranges(alice, client_of):
    output = make_output(alice, b"0123456789")
    path = f"/v1/outputs/{output.pk}/content"

    assert body(client_of(alice).get(path)) == b"0123456789"
    part = client_of(alice).get(path, HTTP_RANGE="bytes=2-4")
    assert (part.status_code, body(part), part["Content-Range"]) == (206, b"234", "bytes 2-4/10")


def test_of_a_large_output_no_more_is_fetched_than_is_asked_for(alice, client_of, wire):
    data = os.urandom(8 << 20)
    output = make_output(alice, data)
    path = f"/v1/outputs/{output.pk}/content"
    before = wire.came

    part = body(client_of(alice).get(path, HTTP_RANGE=f"bytes={5 << 20}-{(5 << 20) + 999}"))
    for_a_part = wire.came - before
    rest = body(client_of(alice).get(path, HTTP_RANGE="bytes=-2000000"))
    for_the_rest = wire.came - before - for_a_part

    assert part == data[5 << 20 : (5 << 20) + 1000]
    assert rest == data[-2_000_000:]
    assert for_a_part < 20_000
    assert 2_000_000 <= for_the_rest < 2_020_000
    assert body(client_of(alice).get(path)) == data


def test_an_object_is_a_file_to_whoever_reads_it(alice, bucket):
    name = keep(io.BytesIO(b"0123456789"), owner_id=alice.pk, form="pcm").pk

    with default_storage.open(name) as file:
        assert (file.size, file.read(3), file.tell()) == (10, b"012", 3)
        assert (file.seek(-4, os.SEEK_END), file.read(2), file.seek(1, os.SEEK_CUR), file.read()) == (6, b"67", 9, b"9")
        assert file.read(1) == b""
        assert list(file.chunks(4)) == [b"0123", b"4567", b"89"]
        bucket.put_object(Key=name, Body=b"01")
        assert (file.seek(5), file.read(2)) == (5, b"")
        bucket.Object(name).delete()
        assert (file.seek(0), file.read(2)) == (0, b"")
    with pytest.raises(FileNotFoundError):
        default_storage.open(name)


def test_an_object_that_is_cut_short_while_it_is_sent_is_gone(alice, client_of, bucket):
    output = make_output(alice, b"0123456789")
    response = client_of(alice).get(f"/v1/outputs/{output.pk}/content")
    bucket.put_object(Key=output.blob_id, Body=b"01")

    with pytest.raises(Gone):
        body(response)


def test_an_output_whose_object_is_gone_is_gone(alice, client_of, bucket):
    output = make_output(alice)
    bucket.Object(output.blob_id).delete()

    assert client_of(alice).get(f"/v1/outputs/{output.pk}/content").status_code == 410


def test_an_object_goes_with_the_last_output_that_is_its_bytes(transactional_db, alice, bucket):
    first, second = make_output(alice, b"same"), make_output(alice, b"same")

    forget(first)
    assert names(bucket) == [second.blob_id]

    forget(second)
    assert (names(bucket), Blob.objects.count()) == ([], 0)


def test_the_check_finds_what_differs_both_ways(transactional_db, alice, bucket, monkeypatch):
    make_output(alice, b"right")
    assert check("--hash") == (0, "Every file has its row, and every row its file.\n")
    lost, short, other = (keep(io.BytesIO(data), owner_id=alice.pk, form="pcm").pk for data in (b"lost", b"short", b"other"))
    bucket.Object(lost).delete()
    bucket.put_object(Key=short, Body=b"s")
    bucket.put_object(Key=other, Body=b"OTHER")
    bucket.put_object(Key="a/stray", Body=b"x")

    assert "a/stray" not in check()[1]  # it may be being written
    monkeypatch.setattr("jobs.management.commands.storage_check.BEING_WRITTEN", -ours.LEASE)
    status, said = check("--hash", "--fix")

    assert (status, said.splitlines()[-1]) == (1, "4 differences, 4 of them removed.")
    assert check("--hash")[0] == 0
    assert len(names(bucket)) == 1


def test_a_bucket_that_is_away_is_found_out_and_keeps_what_it_has(transactional_db, alice, server):
    output = make_output(alice)
    server.stop()
    server._server.server_close()  # or its port would go on taking calls

    with pytest.raises(StorageUnavailable):
        keep(io.BytesIO(b"new"), owner_id=alice.pk, form="pcm")
    assert Blob.objects.get() == output.blob

    forget(output)
    assert not remove(output.blob_id)
    assert not discard("a/stray")
    assert Blob.objects.get() == output.blob  # for the purge to find

    server.start()
    Blob.objects.update(kept_at=Now() - timedelta(days=1))
    purge()
    assert not Blob.objects.exists()


def test_a_bucket_that_does_not_answer_is_given_up_within_seconds():
    assert isinstance(default_storage, Bucket)
    limits = default_storage.connection.meta.client.meta.config

    assert (limits.connect_timeout, limits.read_timeout, limits.retries["total_max_attempts"]) == (2, 4, 2)
