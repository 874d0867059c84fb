"""The doctor among things that are really broken."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

from config.doctor import database, keeping, machine, others, redis_servers, safety, sound, work
from config.doctor.findings import Finding, Level
from jobs.models import Item, Worker
from tests.factories import make_item, make_running, make_worker
from tests.servers import RedisServer, free_port
from tests.waiting import TIMEOUT_S
from voice.models import Model

ROOT = Path(__file__).resolve().parents[2]


def doctor(**environment: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """The command in a process of its own: exit status, the worst finding of each noun, and all that it wrote."""
    # a port where nothing listens
    asked = [sys.executable, "manage.py", "doctor", "--json", "--port", str(free_port())]
    done = subprocess.run(
        asked, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    rank = [Level.OK, Level.WARNING, Level.FAILURE]
    found = sorted(json.loads(done.stdout)["findings"], key=lambda each: rank.index(each["level"]))
    return done.returncode, {each["check"]: each for each in found}, done.stdout + done.stderr


def levels(findings: Iterator[Finding]) -> list[str]:
    found = list(findings)
    assert all(finding.advice for finding in found if finding.level != Level.OK)
    return [finding.level.value for finding in found]


def told(findings: Iterator[Finding]) -> str:
    return " ".join(finding.message for finding in findings if finding.level != Level.OK)


def change(settings: Any, **fields: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update=fields)


def test_servers_that_are_away_are_named_without_their_passwords(tmp_path):
    port = free_port()

    status, found, written = doctor(
        DATA_DIR=str(tmp_path),
        DATABASE_URL=f"postgresql://anna:opensesame@127.0.0.1:{port}/voice",
        REDIS_URL=f"redis://:abracadabra@127.0.0.1:{port}/0",
    )

    assert status == 1
    assert (found["database"]["level"], found["redis"]["level"]) == ("failure", "failure")
    assert "DATABASE_URL" in found["database"]["advice"]
    assert found["storage"]["level"] == "ok"
    assert "migrations" not in found
    assert not {secret for secret in ("opensesame", "abracadabra", "Traceback") if secret in written}


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "voice.sqlite3").write_bytes(b"no database at all" * 100)

    status, found, written = doctor(DATA_DIR=str(tmp_path))

    assert (status, found["database"]["level"]) == (1, "failure")
    assert "Traceback" not in written


def test_a_database_older_or_newer_than_the_code_is_told(db):
    assert levels(database.migrations()) == levels(database.writes()) == ["ok"]
    recorder = MigrationRecorder(connection)
    recorder.record_applied("jobs", "9999_of_tomorrow")
    assert "newer than this code: it has jobs.9999_of_tomorrow" in told(database.migrations())

    recorder.flush()

    assert "not applied" in told(database.migrations())


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("LEASE_SECONDS", "soon", "LEASE_SECONDS"),
        ("DATABASE_URL", "postgresql://anna:pass/word@host/voice", "DATABASE_URL"),
        ("DATA_DIR", f"{__file__}/below", "Not a directory"),
        ("ENVIRONMENT", "production", "SECRET_KEY"),
    ],
)
def test_settings_that_can_t_be_read_are_a_finding_and_what_needs_none_is_looked_at(variable, value, named):
    status, found, written = doctor(**{variable: value})

    assert (status, found["settings"]["level"], found["python"]["level"]) == (1, "failure", "ok")
    assert named in found["settings"]["message"]
    assert not {each for each in ("Traceback", "pass/word", "word@host") if each in written}


def test_a_broker_that_may_forget_is_a_failure_and_one_for_all_a_warning_in_production(settings):
    with RedisServer() as server, redis.Redis.from_url(server.url) as client:
        settings.REDIS_URL = settings.BROKER_URL = server.url
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert "allkeys-lru" in told(redis_servers.servers())

        client.config_set("maxmemory-policy", "noeviction")
        assert levels(redis_servers.servers()) == ["ok", "ok", "warning"]

        client.config_set("appendonly", "yes")
        change(settings, environment="production")
        assert "one Redis" in told(redis_servers.servers())
        assert "allkeys-lru" not in told(redis_servers.servers())


def test_a_storage_that_takes_nothing_is_told(settings, tmp_path):
    (tmp_path / "outputs").write_text("a file in the folder's place")
    broken = {"BACKEND": "jobs.storage.Folder", "OPTIONS": {"location": tmp_path / "outputs"}}
    settings.STORAGES = {**settings.STORAGES, "default": broken}

    assert levels(keeping.storage()) == ["failure"]


def test_the_storage_is_left_as_it_was(settings, tmp_path):
    ours = {"BACKEND": "jobs.storage.Folder", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": ours}

    assert levels(keeping.storage()) == ["ok"]
    assert list(tmp_path.iterdir()) == []


def test_workers_elsewhere_need_a_shared_disk(db):
    make_worker(id="another-host:1:abc")

    assert "another-host" in told(keeping.sharing())


def test_a_queue_that_nobody_reads_is_told(db):
    assert "No worker is running" in told(work.workers())

    worker = make_worker(queues=["live", "batch"])
    assert levels(work.workers()) == ["ok"]

    Model.objects.create(name="vctk", engine="coqui", location="tts_models/en/vctk/vits")
    assert "neural" in told(work.workers())

    Worker.objects.filter(pk=worker.pk).update(queues=["live", "neural", "neural-batch"])
    assert "batch" in told(work.workers())


def test_what_waits_too_long_and_what_was_left_is_told(alice):
    assert levels(work.queue()) == levels(work.leases()) == ["ok"]
    item = make_item(alice)
    Item.objects.filter(pk=item.pk).update(due_at=Now() - timedelta(minutes=5))
    make_running(alice, lease=-timedelta(minutes=5))

    assert "listened for an item for 0:05" in told(work.queue())
    assert "1 items were left" in told(work.leases())


def test_models_with_a_problem_are_told(db, settings):
    Model.objects.create(name="vctk", engine="coqui", location="x", problem="no files")
    settings.PRELOAD_MODELS = ("gone",)

    assert "vctk does not work: no files" in told(sound.models())
    assert "gone, which is not registered" in told(sound.models())


def test_a_device_that_is_not_there_is_a_failure(settings):
    settings.DEVICE = "cuda:7"
    assert settings.DEVICE in told(sound.device())

    settings.DEVICE = "cpu"
    assert "failure" not in levels(sound.device())


def test_what_speaks_and_encodes_is_here():
    assert levels(sound.codecs()) == ["ok"]
    assert "failure" not in levels(sound.engines())


@pytest.mark.parametrize(("embedded", "level"), [(True, "failure"), (False, "warning")])
def test_what_only_serves_needs_no_voice(settings, monkeypatch, embedded, level):
    settings.EMBEDDED = embedded
    monkeypatch.setattr(sound, "LIBRARY", "libnone.so")
    monkeypatch.setattr(sound, "LOADER", "no_such_package")

    assert levels(sound.engines()) == [level]


def test_servers_of_others_are_asked(settings):
    settings.RESPONDER, settings.CHAT_KEYS = "chat", ()
    settings.CHAT_URL = f"http://127.0.0.1:{free_port()}/v1"

    assert levels(others.responder()) == ["failure"]


def test_production_wants_more_than_development(settings):
    assert levels(safety.addresses()) == ["ok"]

    change(settings, environment="production", trusted_proxies=("0.0.0.0/0",), trusted_origins=("http://voice.example",))

    assert levels(safety.addresses()) == ["warning", "failure", "failure"]


def test_a_secret_that_others_may_read_is_a_failure(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    change(settings, secret_key="")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "secret").chmod(0o644)

    assert levels(safety.secret()) == ["failure"]


def test_too_few_files_and_too_little_room_are_told(settings):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    settings.SOCKETS_PER_PROCESS = soft
    assert levels(machine.files()) == ["warning"]

    settings.SOCKETS_PER_PROCESS = 1
    assert levels(machine.files()) == ["ok"]
    assert hard >= soft
    assert len(levels(machine.disk())) == 1


def test_packages_other_than_the_tested_ones_are_told(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CONSTRAINTS", tmp_path / "constraints.txt")
    (tmp_path / "constraints.txt").write_text("Django==1.0\nnever-heard-of==1.0\n")

    assert "Django" in told(machine.packages())
    assert "never-heard-of" not in told(machine.packages())
