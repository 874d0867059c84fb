"""A real Prometheus looks at a running service, and what the dashboard and the alerts ask it has answers; a collector gets its traces."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.sync.client import connect

from tests.e2e.system import PATIENT, ROOT, System, free_port, running
from tests.servers import RedisServer, Server
from tests.waiting import TIMEOUT_S, wait_until

DEPLOY = ROOT / "deploy"
RANGE = "2m"  # in place of Grafana's own choice
# traces of the client's, and its step in them
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OF_A_SOCKET = "5bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
STEPS = {"POST v1/audio/speech", "submit", "queue", "make speech", "engine", "encode", "store", "stream"}
# nothing is loaded, there is no accelerator and no upstream
ABSENT_HERE = ("voice_model_memory_bytes", "voice_device_memory_bytes", "voice_upstream_circuit")
FAILING = 1  # a seed by which the tone engine fails

pytestmark = pytest.mark.shapes("deployed")


class Prometheus(Server):
    """Scrapes every second."""

    def __init__(self, *, web: list[int], workers: list[int]) -> None:
        super().__init__()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=TIMEOUT_S)
        jobs = {"voice-web": web, "voice-worker": workers}
        shutil.copy(DEPLOY / "prometheus" / "alerts.yml", self.folder)
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yml"],
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]} for name, ports in jobs.items()
            ],
        }
        # JSON is YAML
        (self.folder / "prometheus.yml").write_text(json.dumps(configuration))

    def command(self) -> list[str]:
        return [
            "prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]  # fmt: skip

    def answers(self) -> bool:
        try:
            return self._http.get("/-/ready").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        answer = self._http.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", f"{parameters}: {answer}"
        return answer["data"]

    def series(self, query: str) -> int:
        return len(self.ask("query", query=query)["result"])


class Collector(ThreadingHTTPServer):
    """Takes traces over OTLP/HTTP and keeps every span, with the process that it comes from."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taken)
        self.spans: list[tuple[str, Any]] = []

    def of(self, trace_id: str) -> dict[str, Any]:
        """Those of a trace, by name."""
        return {span.name: span for _, span in self.spans if span.trace_id.hex() == trace_id}

    def processes(self, trace_id: str) -> set[str]:
        return {process for process, span in self.spans if span.trace_id.hex() == trace_id}


class _Taken(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        sent = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in sent.resource_spans:
            about = {attribute.key: attribute.value.string_value for attribute in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.server.spans += [(about["service.instance.id"], span) for span in scope.spans]  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def observed(
    collector: Collector, tmp_path_factory: pytest.TempPathFactory, fresh_database: Callable[[], str]
) -> Iterator[tuple[System, int]]:
    """A web process and a worker, and the port of the worker's metrics."""
    port = free_port()
    deployed = {
        "DATABASE_URL": fresh_database(),
        "METRICS_PORT": str(port),
        **PATIENT,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
    }
    with (
        RedisServer() as redis,
        running(tmp_path_factory.mktemp("observed"), server="uvicorn", workers=1, REDIS_URL=redis.url, **deployed) as system,
    ):
        yield system, port


@pytest.fixture(scope="module")
def prometheus(observed: tuple[System, int]) -> Iterator[Prometheus]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed; on Debian: apt-get install prometheus")
    system, port = observed
    with Prometheus(web=[system.port], workers=[port]) as server:
        _use(system)
        wait_until(lambda: server.series(f"rate(voice_items_ended_total[{RANGE}])") >= 2)
        _use(system)
        wait_until(lambda: server.series(f"rate(voice_sockets_ended_total[{RANGE}])") >= 1)
        yield server


def _use(system: System) -> None:
    """Something of everything."""
    with system.client() as client:
        for text in ("hello", "hello", "good-bye"):
            assert client.post("/v1/audio/speech", json={"model": "tts-1", "voice": "alloy", "input": text}).status_code == httpx.codes.OK
        failed = client.post("/v1/audio/speech", json={"model": "tone", "voice": "tone", "input": "no", "seed": FAILING})
        assert failed.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
    with connect(f"ws://127.0.0.1:{system.port}/v1/realtime?model=gpt-realtime", additional_headers=system.headers) as socket:
        assert json.loads(socket.recv(timeout=TIMEOUT_S))["type"] == "session.created"
        assert socket.response is not None
        assert socket.response.headers["x-request-id"].startswith("req_")


def queries() -> Iterator[tuple[str, str]]:
    """The panel and the query of each of the dashboard's."""
    dashboard = json.loads((DEPLOY / "grafana" / "voice-platform.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"].replace("$__rate_interval", RANGE)


def test_both_are_looked_at(prometheus: Prometheus):
    assert prometheus.series('up{job="voice-web"} == 1') == 1
    assert prometheus.series('up{job="voice-worker"} == 1') == 1


def test_every_query_of_the_dashboard_has_series(prometheus: Prometheus):
    asked = list(queries())
    here = [(panel, query) for panel, query in asked if not any(name in query for name in ABSENT_HERE)]

    assert [f"{panel}: {query}" for panel, query in here if not prometheus.series(query)] == []
    for _, query in asked:
        prometheus.series(query)
    assert len(asked) > len(here) > 40


def test_every_alert_can_be_evaluated_and_asks_for_what_there_is(prometheus: Prometheus):
    known = set(prometheus.ask("label/__name__/values"))
    wait_until(lambda: all(rule["health"] == "ok" for group in prometheus.ask("rules")["groups"] for rule in group["rules"]))

    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    wanted = {name for rule in rules for name in re.findall(r"\b(?:voice|process)_[a-z_]+\b|\bup\b", rule["query"])}

    assert wanted - known - set(ABSENT_HERE) == set()
    assert len(rules) > 15


def test_no_alert_is_told_of_a_service_that_is_well(prometheus: Prometheus):
    firing = [alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"] if alert["state"] == "firing"]

    assert firing == []


def test_one_trace_tells_of_a_request_in_every_process_that_has_a_part_in_it(observed: tuple[System, int], collector: Collector):
    system, _ = observed
    text = "Nobody reads this in a trace."
    with system.client() as client:
        speech = {"model": "tts-1", "voice": "alloy", "input": text}
        answer = client.post("/v1/audio/speech", json=speech, headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})
    wait_until(lambda: collector.of(TRACE).keys() >= STEPS)

    spans = collector.of(TRACE)
    server, submit, make = spans["POST v1/audio/speech"], spans["submit"], spans["make speech"]
    assert len(collector.processes(TRACE)) == 2
    assert server.parent_span_id.hex() == CALLER
    assert submit.parent_span_id == spans["stream"].parent_span_id == server.span_id
    assert spans["queue"].parent_span_id == make.parent_span_id == submit.span_id
    assert {spans[name].parent_span_id for name in ("engine", "encode", "store")} == {make.span_id}
    assert server.end_time_unix_nano >= spans["stream"].end_time_unix_nano
    named = {attribute.key: attribute.value.string_value for attribute in make.attributes}
    assert named["voice.request_id"] == answer.headers["x-request-id"]
    told = str(collector.spans)
    assert text not in told
    assert system.key not in told


def test_a_request_without_a_trace_begins_its_own_and_nonsense_is_none(observed: tuple[System, int], collector: Collector):
    system, _ = observed
    with system.client() as client:
        client.get("/v1/models", headers={"traceparent": "00-nonsense"})
    wait_until(lambda: any(span.name == "GET v1/models" for _, span in collector.spans))

    [span] = [span for _, span in collector.spans if span.name == "GET v1/models"]
    assert span.trace_id.hex() != TRACE
    assert not span.parent_span_id


def test_the_lines_of_a_worker_name_the_request_that_they_are_about(observed: tuple[System, int]):
    system, _ = observed
    with system.client() as client:
        answer = client.post("/v1/audio/speech", json={"model": "tone", "voice": "tone", "input": "no", "seed": FAILING})

    name = answer.headers["x-request-id"]
    wait_until(lambda: [line for line in system.logged().splitlines() if name in line and '"logger": "work"' in line])


def test_what_a_socket_asks_for_is_named_and_traced_like_its_handshake(observed: tuple[System, int], collector: Collector):
    system, _ = observed
    headers = {**system.headers, "traceparent": f"00-{OF_A_SOCKET}-{CALLER}-01"}
    with connect(f"ws://127.0.0.1:{system.port}/v1/audio/speech/stream", additional_headers=headers) as socket:
        for event in ({"type": "session.start", "voice": "alloy"}, {"type": "text.append", "text": "Hello."}, {"type": "session.end"}):
            socket.send(json.dumps(event))
        told = [json.loads(message)["type"] for message in socket]
    wait_until(lambda: {"submit", "make speech"} <= collector.of(OF_A_SOCKET).keys())

    spans = collector.of(OF_A_SOCKET)
    named = {attribute.key: attribute.value.string_value for attribute in spans["make speech"].attributes}
    assert "speech.audio.delta" in told
    assert socket.response is not None
    assert named["voice.request_id"] == socket.response.headers["x-request-id"]
    assert spans["submit"].parent_span_id.hex() == CALLER
