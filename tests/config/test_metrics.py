from __future__ import annotations

import re
import socket
import threading
from typing import Any

import httpx
import pytest
from django.test import Client
from prometheus_client import REGISTRY

from config import metrics
from config.env import read
from config.exposition import MetricsDoor, serve_metrics

PEER = "10.0.0.7"
TOKEN = "a-token-of-metrics"


def number(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def may(peer: str, **headers: str) -> bool:
    return metrics.may_read(peer, {name.replace("_", "-"): value for name, value in headers.items()})


async def asked(path: str, peer: str) -> tuple[int, bytes]:
    """What the door answers, in front of an application that answers nothing."""
    sent: list[dict[str, Any]] = []

    async def application(*_):
        sent.append({"status": 0})

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    await MetricsDoor(application)({"type": "http", "path": path, "headers": [], "client": (peer, 1)}, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


def test_a_request_is_counted_by_its_route_and_not_by_its_path(client_of, alice):
    labels = {"method": "GET", "route": "v1/jobs/<str:pk>", "status": "404"}
    before = number("voice_http_requests_total", **labels)

    for name in ("one", "two"):
        client_of(alice).get(f"/v1/jobs/{name}")

    assert number("voice_http_requests_total", **labels) == before + 2


def test_what_has_no_route_and_what_is_no_method_make_no_series_of_their_own(db):
    labels = {"method": "other", "route": "none", "status": "404"}
    before = number("voice_http_requests_total", **labels)

    Client().generic("BREW", "/no/such/9f8e7d")

    assert number("voice_http_requests_total", **labels) == before + 1
    assert not any("9f8e7d" in str(sample.labels) for family in REGISTRY.collect() for sample in family.samples)


def test_the_admin_is_one_route(db):
    labels = {"method": "GET", "route": "admin/"}
    before = number("voice_http_request_seconds_count", **labels)

    Client().get("/admin/jobs/job/")

    assert number("voice_http_request_seconds_count", **labels) == before + 1


def test_only_this_machine_reads_them_unless_told_otherwise(settings):
    assert may("127.0.0.1")
    assert may("::1")
    assert may("::ffff:127.0.0.1")
    assert not may(PEER)
    assert not may("")


def test_networks_that_are_named_read_them(settings):
    settings.METRICS_READERS = read(metrics_allow="10.0.0.0/8").metrics_readers

    assert may(PEER)
    assert not may("127.0.0.1")


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip", "via"])
def test_what_came_through_a_proxy_is_not_of_this_machine(header):
    assert not may("127.0.0.1", **{header: "127.0.0.1"})


def test_the_token_opens_from_anywhere_and_another_does_not(settings):
    settings.METRICS_TOKEN = TOKEN

    assert may(PEER, authorization=f"Bearer {TOKEN}", x_forwarded_for="1.2.3.4")
    assert not may(PEER, authorization="Bearer another")
    assert not may(PEER, authorization="Bearer ")


def test_without_a_token_no_bearer_opens():
    assert not may(PEER, authorization="Bearer ")


async def test_the_door_answers_in_front_of_everything_else():
    status, body = await asked("/metrics", "127.0.0.1")

    assert status == 200
    assert b"# TYPE voice_http_requests_total counter" in body


async def test_the_door_is_closed_to_strangers():
    status, body = await asked("/metrics", PEER)

    assert status == 403
    assert b"voice_" not in body


async def test_the_door_lets_the_rest_pass():
    assert await asked("/metrics/", "127.0.0.1") == (0, b"")


def test_a_worker_tells_them_at_an_address_of_ipv6(settings):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6 here")
        settings.METRICS_PORT = probe.getsockname()[1]
    settings.METRICS_HOST = "::1"

    serve_metrics(0)

    assert "voice_build_info" in httpx.get(f"http://[::1]:{settings.METRICS_PORT}/metrics").text


@pytest.mark.parametrize("number", [0, 66_000])
def test_without_a_port_a_worker_goes_without(settings, number):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings.METRICS_PORT = taken.getsockname()[1]
        before = threading.active_count()

        serve_metrics(number)

        assert threading.active_count() == before


def test_names_follow_the_conventions():
    families = [family for family in REGISTRY.collect() if family.name.startswith("voice_")]

    for family in families:
        assert re.fullmatch(r"voice_[a-z][a-z_]*[a-z]", family.name)
        assert not re.search(r"_(ms|millis|milliseconds|minutes|kib|mib|kb|mb)(_|$)", family.name), family.name
        assert family.documentation.endswith("."), family.name
        for sample in family.samples:
            assert not sample.labels.keys() & {"user", "owner", "key", "item", "job", "session", "voice", "path_info"}, family.name
    assert len(families) > 30
