from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from config.doctor.discretion import discreet, secrets
from config.doctor.findings import Check, Finding, Level, failure, warning, well
from config.doctor.rounds import examine
from tests.waiting import TIMEOUT_S


def make_check(noun: str, *findings: Finding, needs: tuple[str, ...] = (), limit: float = TIMEOUT_S) -> Check:
    return Check(noun, lambda: iter(findings), needs, limit)


def raising() -> Iterator[Finding]:
    yield well("So far.")
    raise RuntimeError("with a secret")


def test_what_a_check_raises_is_a_finding_without_its_words():
    found = [finding for _, finding in examine([Check("odd", raising, (), TIMEOUT_S)])]

    assert [finding.level for finding in found] == [Level.OK, Level.FAILURE]
    assert "RuntimeError" in found[1].message
    assert "secret" not in found[1].message


def test_a_check_that_hangs_is_not_waited_for():
    over = threading.Event()

    def hang() -> Iterator[Finding]:
        over.wait(TIMEOUT_S)
        yield well("At last.")

    found = list(examine([Check("slow", hang, (), 0.1), make_check("quick", well("Here."))]))
    over.set()

    assert [(noun, finding.level) for noun, finding in found] == [("slow", Level.FAILURE), ("quick", Level.OK)]


def test_who_needs_what_has_failed_is_not_asked():
    far = make_check("far", well("Reached."), needs=("next",))
    next_to = make_check("next", well("Reached."), needs=("root",))

    assert [noun for noun, _ in examine([far, next_to, make_check("root", failure("Broken.", "Mend it."))])] == ["root"]
    assert [noun for noun, _ in examine([far, next_to, make_check("root", warning("Old.", "Mind it."))])] == ["root", "next", "far"]


def test_no_secret_leaves_in_a_finding(settings):
    settings.ENV = settings.ENV.model_copy(update={"redis_url": "redis://:open%20sesame@host/0", "s3_secret_access_key": "abracadabra"})
    told = failure("open sesame, open%20sesame and abracadabra were refused", f"{settings.SECRET_KEY}")

    assert discreet(told, secrets()) == failure("…, … and … were refused", "…")


def test_tokens_of_metrics_and_traces_are_secrets_too(settings):
    tokens = {"metrics_token": "a-token-of-metrics", "otel_exporter_otlp_headers": "x=1, authorization=Basic abc=="}
    settings.ENV = settings.ENV.model_copy(update=tokens)

    assert {"a-token-of-metrics", "Basic abc=="} <= set(secrets())


@pytest.mark.parametrize("broken", [AttributeError, ValueError])
def test_without_settings_nothing_is_known(monkeypatch, broken):
    def fail() -> Iterator[str]:
        raise broken
        yield ""

    monkeypatch.setattr("config.doctor.discretion._secrets", fail)

    assert secrets() == []
