"""What `deploy/`, `compose.yaml` and `docs/` say of the service, held against the service."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.management import get_commands

from config.env import Environment
from config.metrics import FORWARDED
from config.servers import DRAIN_SECONDS, HANDOVER_SECONDS
from config.supervisor import LAST_PATIENCE
from tests.production.machine import Nginx
from voice.engines.base import UnsupportedText, Utterance

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
VARIABLES = {name.upper() for name in Environment.model_fields}
NOT_OURS = {
    "VOICE_HOST",
    "POSTGRES_PASSWORD",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "KEEP_DAYS",
    "WORKER_BASE",
    "WORKER_EXTRAS",
    "VOICE_KEY",
    "VOICE_URL",
    "ENV_FILE",
}
# of compose.yaml, the Dockerfile, the scripts and the examples
NAMED = re.compile(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`|\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)=")
COMMANDS = re.compile(r"manage\.py ([a-z_]+)")
EXAMPLE = "voice/engines/buzz.py"
# that docs/engines.md has one write
LINKS = re.compile(r"\]\(([^)#]*)(#[^)]*)?\)")


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_page_names_only_what_there_is(path):
    text = path.read_text()

    variables = {name for found in NAMED.findall(text) for name in found if name} - NOT_OURS
    files = {name for name in re.findall(r"`((?:deploy|voice|tests|config)/[\w./-]+)`", text) if not (ROOT / name).exists()}
    links = [(link, anchor) for link, anchor in LINKS.findall(text) if "://" not in link]
    assert variables <= VARIABLES, variables - VARIABLES
    assert set(COMMANDS.findall(text)) <= set(get_commands())
    assert files <= {EXAMPLE}
    for link, anchor in links:
        target = path.parent / link if link else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), anchor


def test_nginx_passes_nothing_on_that_is_believed_of_a_proxy_alone():
    told = (ROOT / "deploy" / "nginx" / "proxy.conf").read_text()

    overwritten = {name.lower() for name in re.findall(r"^proxy_set_header (\S+)", told, re.MULTILINE)}
    assert overwritten >= {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-request-id"}
    assert overwritten & FORWARDED


def test_prometheus_asks_where_the_units_and_the_composition_tell():
    asked = set(re.findall(r"127\.0\.0\.1:\d+", (ROOT / "deploy/prometheus/prometheus.yml").read_text().partition("scrape_configs")[2]))
    discovered = set(re.findall(r"port: (\d+)", (ROOT / "deploy/prometheus/prometheus.yml").read_text()))

    served = set(re.findall(r"server (\S+)", (ROOT / "deploy/nginx/upstream.conf").read_text()))
    files = (ROOT / "deploy" / "systemd").glob("voice-platform.*.env")
    told = {f"127.0.0.1:{port}" for file in files for port in re.findall(r"^METRICS_PORT=(\d+)", file.read_text(), re.MULTILINE)}
    compose = (ROOT / "compose.yaml").read_text()
    assert asked == served | told
    assert discovered == {"8000", *re.findall(r'METRICS_PORT: "(\d+)"', compose)}
    assert "METRICS_HOST: 0.0.0.0" in compose


def test_the_settings_of_systemd_and_compose_are_ours():
    unit = (ROOT / "deploy" / "systemd" / "voice-platform.env").read_text()
    compose = (ROOT / "compose.yaml").read_text().partition("x-web:")[0].partition("x-environment:")[2]

    assert set(re.findall(r"^([A-Z_]+)=", unit, re.MULTILINE)) <= VARIABLES
    assert set(re.findall(r"^  ([A-Z_]+):", compose, re.MULTILINE)) <= VARIABLES


@pytest.mark.parametrize(
    ("name", "least"),
    [("voice-web@.service", HANDOVER_SECONDS + DRAIN_SECONDS), ("voice-worker@.service", LAST_PATIENCE)],
)
def test_nothing_is_killed_while_it_ends_in_good_order(name, least):
    unit = (ROOT / "deploy" / "systemd" / name).read_text()
    compose = (ROOT / "compose.yaml").read_text()
    grace = re.findall(r"stop_grace_period: (\d+)s", compose.partition(f"x-{name[6:].partition('@')[0]}:")[2])[0]

    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0]) > least
    assert int(grace) > least


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_understands_the_units(tmp_path):
    for path in (ROOT / "deploy" / "systemd").iterdir():
        name = path.name.replace("@.", "@1.")
        (tmp_path / name).write_text(path.read_text().replace("/opt/voice-platform/current", str(ROOT)))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.glob("voice-*.*e"))],
        capture_output=True,
        text=True,
        check=False,
    )

    said = [line for line in done.stderr.splitlines() if "voice-" in line]
    assert (done.returncode, said) == (0, [])


@pytest.mark.skipif(not shutil.which("nginx", path="/usr/sbin:/usr/bin"), reason="there is no nginx")
def test_nginx_understands_its_configuration(tmp_path):
    tls = tmp_path / "tls"
    tls.mkdir()
    files = ["-keyout", str(tls / "privkey.pem"), "-out", str(tls / "fullchain.pem")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", *files], check=True, capture_output=True)
    nginx = Nginx({"/etc/voice-platform/tls": str(tls)})

    done = subprocess.run([*nginx.command(), "-t"], capture_output=True, text=True, check=False)
    nginx.stop()

    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


def test_the_engine_that_the_documentation_writes_speaks(monkeypatch):
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "engines.md").read_text(), re.DOTALL)[0]
    library = ModuleType("buzz")
    library.speak = lambda text, *, speed: iter([b"\0\1" * len(text)])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "buzz", library)
    names: dict[str, Any] = {}
    exec(compile(code, EXAMPLE, "exec", dont_inherit=True), names)  # as its reader would

    engine = names["Buzz"]()
    [block] = engine.synthesize(Utterance("Hello.", "buzz", "en"))

    assert (len(block), block.dtype, engine.rate(Utterance("Hello.", "buzz", "en"))) == (6, "int16", 16_000)
    with pytest.raises(UnsupportedText):
        list(engine.synthesize(Utterance(" ", "buzz", "en")))


SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$0.said"
case "$*" in
*list-units*web*) echo "voice-web@8001.service loaded active running"; echo "voice-web@8002.service loaded active running" ;;
*list-units*worker*) echo "voice-worker@one.service loaded active running" ;;
*8002*) exit 1 ;;
esac
"""


def test_nothing_more_is_restarted_once_a_process_does_not_start(tmp_path):
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(SYSTEMCTL)
    systemctl.chmod(0o755)

    done = subprocess.run([ROOT / "deploy" / "roll"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, check=False)

    said = (tmp_path / "systemctl.said").read_text().splitlines()
    assert done.returncode != 0
    assert [line for line in said if "restart" in line] == ["restart voice-web@8001.service", "restart voice-web@8002.service"]
