from __future__ import annotations

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env import Environment, read

ROOT = Path(__file__).resolve().parents[2]
STRONG = "".join(chr(33 + n) for n in range(64))
PRODUCTION = {"environment": "production", "secret_key": STRONG, "allowed_hosts": ("voice.example",)}


@pytest.fixture(autouse=True)
def _bare(monkeypatch) -> None:
    """Whatever shape the run has, nothing is set here."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def refused(**variables: object) -> str:
    with pytest.raises(ImproperlyConfigured) as error:
        read(**variables)
    return str(error.value)


def test_nothing_set_is_the_embedded_default():
    environment = read()

    assert environment.embedded
    assert environment.database_url == ""
    assert not environment.debug


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lease_seconds", "soon", "valid number"),
        ("worker_threads", "0", "greater than or equal to 1"),
        ("debug", "perhaps", "valid boolean"),
        ("database_url", "mysql://x", "postgresql://"),
        ("redis_url", "http://x", "redis://"),
        ("sign_in_rate", "often", "such as 20/m"),
        ("sign_in_rate", "5/y", "such as 20/m"),
        ("trusted_proxies", "proxy.local", "IPv4 or IPv6"),
        ("allowed_origins", "app.example", "in full"),
        ("allowed_origins", "https://*.example", "in full"),
        ("accel_prefix", "stored", "such as /stored/"),
        ("log_level", "LOUD", "DEBUG, INFO"),
        ("environment", "staging", "'development' or 'production'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_was_expected(name, value, expected):
    message = refused(**{name: value})

    assert name.upper() in message
    assert expected in message


def test_every_wrong_variable_is_named_at_once():
    message = refused(lease_seconds="x", max_attempts="y")

    assert "LEASE_SECONDS" in message
    assert "MAX_ATTEMPTS" in message


def test_a_refusal_does_not_show_the_value():
    assert "hunter2" not in refused(database_url="mysql://user:hunter2@host/db")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"secret_key": ""}, "SECRET_KEY"),
        ({"secret_key": "short"}, "SECRET_KEY"),
        ({"secret_key": "a" * 64}, "SECRET_KEY"),
        ({"debug": True}, "DEBUG"),
        ({"allowed_hosts": ()}, "ALLOWED_HOSTS"),
        ({"allowed_hosts": ("*",)}, "ALLOWED_HOSTS"),
        ({"allowed_hosts": (".example.org",)}, "ALLOWED_HOSTS"),
    ],
)
def test_production_refuses_what_is_not_safe(change, named):
    assert named in refused(**{**PRODUCTION, **change})


def test_production_takes_what_is_safe():
    assert read(**PRODUCTION).secret() == STRONG


def test_a_broker_alone_is_not_enough():
    assert "REDIS_URL" in refused(broker_url="redis://localhost", database_url="postgresql://localhost/x")


def test_redis_without_postgresql_is_refused():
    assert "DATABASE_URL" in refused(redis_url="redis://localhost")


def test_what_is_stored_is_left_to_nobody_but_a_proxy_that_has_it():
    assert "TRUSTED_PROXIES" in refused(accel_prefix="/stored/")
    assert "S3_BUCKET" in refused(accel_prefix="/stored/", trusted_proxies="127.0.0.1", s3_bucket="outputs")
    assert read(accel_prefix="/stored/", trusted_proxies="127.0.0.1").accel_prefix == "/stored/"


def test_queues_are_written_with_commas_and_known():
    deployed = {"redis_url": "redis://localhost", "database_url": "postgresql://localhost/x"}

    assert read(worker_queues="live, neural", **deployed).worker_queues == ("live", "neural")
    assert read(**deployed).worker_queues == ()
    message = refused(worker_queues="live,fast", **deployed)
    assert "WORKER_QUEUES" in message
    assert "'neural-batch'" in message


def test_queues_without_redis_are_refused():
    assert "WORKER_QUEUES" in refused(worker_queues="live")


def test_a_pool_too_small_for_the_threads_is_refused():
    assert "DATABASE_POOL" in refused(database_url="postgresql://localhost/x", worker_threads=20)


CHAT = {"responder": "chat", "chat_url": "http://127.0.0.1:8000/v1/", "chat_model": "llama"}


def test_a_chat_with_all_that_it_needs_is_taken():
    environment = read(**CHAT, chat_keys="sk-one, sk-two")

    assert environment.chat_url == "http://127.0.0.1:8000/v1"
    assert [key.get_secret_value() for key in environment.chat_keys] == ["sk-one", "sk-two"]
    assert "sk-one" not in repr(environment)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"chat_url": "127.0.0.1:8000/v1"}, "CHAT_URL"),
        ({"chat_url": "http://sk-hunter2@127.0.0.1/v1"}, "CHAT_URL"),
        ({"chat_url": "http://127.0.0.1:sk-hunter2/v1"}, "CHAT_URL"),
        ({"chat_keys": "sk-hunter2 x"}, "CHAT_KEYS[0]"),
        ({"responder": "oracle"}, "RESPONDER"),
    ],
)
def test_a_chat_that_cannot_be_asked_is_refused(change, named):
    message = refused(**{**CHAT, **change})

    assert named in message
    assert "hunter2" not in message


@pytest.mark.parametrize("missing", ["chat_url", "chat_model"])
def test_a_chat_with_nobody_to_ask_is_refused(missing):
    assert f"{missing.upper()} is missing" in refused(**{name: value for name, value in CHAT.items() if name != missing})


def test_lists_are_written_with_commas(monkeypatch):
    monkeypatch.setenv("ALLOWED_HOSTS", "a.example, b.example,")

    assert read().allowed_hosts == ("a.example", "b.example")


def test_a_secret_is_made_once_and_kept_private(tmp_path):
    first = read(data_dir=tmp_path / "data", secret_key="").secret()

    assert read(data_dir=tmp_path / "data", secret_key="").secret() == first
    assert len(first) >= 64
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600


def test_the_example_names_every_variable_with_its_default_and_meaning():
    example = (ROOT / ".env.example").read_text()

    for name, field in Environment.model_fields.items():
        assert re.search(rf"^# {re.escape(str(field.description))}$\n^#?{name.upper()}=", example, re.MULTILINE), name
    assert set(re.findall(r"^#?([A-Z0-9_]+)=", example, re.MULTILINE)) == {name.upper() for name in Environment.model_fields}


def test_the_settings_list_every_variable():
    settings = (ROOT / "docs" / "settings.md").read_text()

    for name in Environment.model_fields:
        assert f"`{name.upper()}`" in settings, name


def test_a_bad_variable_stops_the_start_with_one_message_and_no_trace():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"LEASE_SECONDS": "soon", "ENV_FILE": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "LEASE_SECONDS" in done.stderr
    assert "Traceback" not in done.stderr
