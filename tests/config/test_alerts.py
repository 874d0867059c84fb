"""The alert rules as files: Prometheus' own tool checks and tries them. `make alerts` installs it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
RULES = (FOLDER / "alerts.yml").read_text()

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed; on Debian: apt-get install prometheus")


def tool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names() -> list[str]:
    return [line.partition("alert:")[2].strip() for line in RULES.splitlines() if "alert:" in line]


def test_the_rules_are_rules():
    assert f"{len(names())} rules found" in tool("check", "rules", "alerts.yml")


def test_the_example_of_a_configuration_is_one():
    tool("check", "config", "--syntax-only", "prometheus.yml")


def test_every_alert_is_told_when_it_should_be_and_not_before():
    tool("test", "rules", "alerts.test.yml")


def test_every_alert_says_what_to_do_and_is_tried():
    tried = (FOLDER / "alerts.test.yml").read_text()

    assert RULES.count("summary: ") == RULES.count("action: ") == len(names())
    assert [name for name in names() if f"alertname: {name}\n" not in tried] == []
