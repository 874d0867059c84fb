from __future__ import annotations

import re

import pytest
import structlog
from django.test import Client

from accounts.models import User
from accounts.quotas import Amount
from config import api
from config.env import read
from config.request_ids import request_id
from jobs.models import Job
from jobs.services import Order, submit
from jobs.work import claim
from tests.factories import make_item, make_job, make_worker, tone_options

PROXY = "10.0.0.1"
OURS = re.compile(r"req_[0-9a-z]{26}")


@pytest.fixture
def _proxied(settings) -> None:
    settings.TRUSTED_PROXIES = read(trusted_proxies=PROXY).proxies


@pytest.fixture
def lines(monkeypatch) -> list[str]:
    """The paths of which a line is written."""
    written: list[str] = []
    monkeypatch.setattr(api.log, "info", lambda _event, **fields: written.append(fields["path"]), raising=False)
    return written


@pytest.mark.usefixtures("_proxied")
def test_a_proxy_of_ours_names_its_requests():
    assert request_id("0af7651916cd43dd8448eb211c80319c", PROXY) == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.usefixtures("_proxied")
@pytest.mark.parametrize(
    "sent", ["", "short", "x" * 65, "-leading-dash", "new\nline-or-so", "spaces in it", "<b>bold-and-more</b>", "größe-größe"]
)
def test_what_no_log_wants_is_no_name(sent):
    assert OURS.fullmatch(request_id(sent, PROXY))


@pytest.mark.usefixtures("_proxied")
@pytest.mark.parametrize("peer", ["10.0.0.2", "", "unix"])
def test_nobody_else_names_his_request(peer):
    assert OURS.fullmatch(request_id("0af7651916cd43dd8448eb211c80319c", peer))


@pytest.mark.usefixtures("_proxied", "db")
def test_the_answer_has_the_name():
    answer = Client(REMOTE_ADDR=PROXY).get("/healthz", headers={"x-request-id": "from-the-proxy-1"})

    assert answer.headers["x-request-id"] == "from-the-proxy-1"


def test_the_job_and_what_its_worker_logs_have_the_name(alice: User):
    make_worker()
    order = Order(actor="speak", text="a", format="pcm", media_type="audio/pcm", expected=Amount(1, 1), options=tone_options())
    with structlog.contextvars.bound_contextvars(request_id="req_of_alice"):
        job = submit(owner=alice, api_key=None, kind="speech", orders=[order])

    assert Job.objects.get(pk=job.pk).request_id == "req_of_alice"
    with structlog.contextvars.bound_contextvars():
        another = make_item(alice, job=make_job(alice, request_id="req_of_a_row"))
        assert claim(another.pk)
        assert structlog.contextvars.get_contextvars()["request_id"] == "req_of_a_row"
    structlog.contextvars.clear_contextvars()


def test_of_healthy_answers_some_are_logged(db, settings, lines):
    settings.LOG_ONE_IN = 5

    for _ in range(20):
        Client().get("/healthz")

    assert lines == ["/healthz"] * 4


def test_none_are_logged_where_none_are_wanted(db, settings, lines):
    settings.LOG_ONE_IN = 0

    Client().get("/healthz")

    assert lines == []


def test_everything_else_and_every_failure_is_logged(db, settings, lines):
    settings.LOG_ONE_IN = 0

    Client().get("/static/no/such.css")
    Client().get("/v1/models")

    assert lines == ["/static/no/such.css", "/v1/models"]
