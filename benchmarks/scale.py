"""What ten thousand items in one brief cost, what they do to whoever waits for a line meanwhile, and lists over a million rows."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import psycopg

from benchmarks.figures import line, quantile
from tests.e2e.system import System, running

FEW = 100
MANY = 10_000
ROUNDS = 40
THREADS = 2
# of the worker
JOBS = 1000
ITEMS_EACH = 1000
LISTS = (
    "/v1/jobs",
    "/v1/jobs?state=failed",
    "/v1/jobs?metadata[part]=7",
    "/v1/jobs?after=job_{0:026d}",
    "/v1/jobs/job_{0:026d}",
    "/v1/jobs/job_{0:026d}/items?limit=100",
    "/v1/jobs/job_{0:026d}/items?state=failed",
    "/v1/outputs?limit=100",
    "/v1/outputs?after=out_{1:026d}",
    "/v1/usage",
    "/v1/api-keys",
)
SEED = """
INSERT INTO jobs_job (id, owner_id, kind, name, metadata, priority, announced, listed, request_hash, state, sequence, total, completed,
                      failed, cancelled, expected_bytes)
SELECT 'job_' || lpad(j::text, 26, '0'), u.id, 'speech', '', jsonb_build_object('part', (j % 10)::text), 0, false, true, '',
       CASE WHEN j % 10 = 0 THEN 'failed' ELSE 'completed' END, 0, {items}, {items}, 0, 0, 0
FROM accounts_user u, generate_series(1, {jobs}) j;
INSERT INTO jobs_item (id, job_id, owner_id, position, actor, batch, priority, ref, text, options, format, media_type, output_id, store,
                       streamed, reuse_key, characters, milliseconds, state, attempt, attempts_allowed, worker, rings, error_code,
                       error_message, error_status, sequence)
SELECT 'item_' || lpad(n::text, 26, '0'), 'job_' || lpad((1 + n / {items})::text, 26, '0'), u.id, n % {items}, 'speak_in_batch', true, 0,
       '', 'a line', '{{}}', 'mp3', 'audio/mpeg', 'out_' || lpad(n::text, 26, '0'), true, false, md5(n::text), 6, 400,
       CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'completed' END, 1, 3, '', 1, '', '', 0, n % {items}
FROM accounts_user u, generate_series(0, {jobs} * {items} - 1) n;
INSERT INTO jobs_blob (name, owner_id, bytes, sha256, writers)
SELECT 'seed/' || n, u.id, 1000, md5(n::text), 0 FROM accounts_user u, generate_series(0, {jobs} * {items} - 1) n;
INSERT INTO jobs_output (id, item_id, job_id, owner_id, attempt, blob_id, format, media_type, seconds, bytes, sha256, reuse_key,
                         legal_hold, configuration)
SELECT 'out_' || lpad(n::text, 26, '0'), 'item_' || lpad(n::text, 26, '0'), 'job_' || lpad((1 + n / {items})::text, 26, '0'), u.id, 1,
       'seed/' || n, 'mp3', 'audio/mpeg', 0.4, 1000, '', md5(n::text), false, '{{}}'
FROM accounts_user u, generate_series(0, {jobs} * {items} - 1) n;
INSERT INTO accounts_usage (item_id, owner_id, kind, period_starts_at, characters, milliseconds, reused, voice, model)
SELECT 'item_' || lpad(n::text, 26, '0'), u.id, 'speech', date_trunc('month', now()), 6, 400, false, 'slt', 'flite'
FROM accounts_user u, generate_series(0, {jobs} * {items} - 1) n;
ANALYZE;
"""


def report(folder: Path, postgres_url: str, redis_url: str) -> None:
    options = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "WORKER_THREADS": str(THREADS)}
    with running(folder / "scale", server="uvicorn", workers=1, **options) as system, system.client() as client:
        idle = _first_bytes(client)
        before = _memory(system)
        few = _per_item(client, FEW)
        accepted, job = _submit(client, MANY, "many")
        print(f"A brief of {MANY} items: accepted in {accepted:.2f} s")
        busy = _first_bytes(client)
        print("Live speech (tone), to the first byte:")
        line("nothing else to do", idle)
        line(f"while a brief of {MANY} items runs on {THREADS} threads", busy)
        print(f"  p95 {quantile(busy, 0.95) / quantile(idle, 0.95):.2f} times the idle one")
        many = _wait(client, job) / MANY
        print(f"An item of {FEW}: {1000 * few:.1f} ms; of {MANY}: {1000 * many:.1f} ms, {many / few:.2f} times as much")
        print(f"Resident memory of web and worker: {before} MiB before, {_memory(system)} MiB after")
        _seed(postgres_url)
        print(f"Lists, with {JOBS * ITEMS_EACH:,} items, outputs and lines of usage of one owner:")
        for path in LISTS:
            _list(client, path.format(JOBS // 2, JOBS * ITEMS_EACH // 2))


def _submit(client: httpx.Client, number: int, name: str) -> tuple[float, str]:
    """Seconds until it was accepted, and the job's id."""
    items = [{"input": f"{name} {n}", "ref": str(n)} for n in range(number)]
    started = time.perf_counter()
    answer = client.post("/v1/jobs", json={"model": "tone", "voice": "tone", "response_format": "pcm", "items": items})
    assert answer.status_code == 202, answer.text
    return time.perf_counter() - started, answer.json()["id"]


def _wait(client: httpx.Client, job_id: str) -> float:
    """Seconds that the job took, from its acceptance."""
    while True:
        job = client.get(f"/v1/jobs/{job_id}").json()
        if job["finished_at"]:
            assert job["counts"]["completed"] == job["counts"]["total"], job
            return float(job["finished_at"] - job["created_at"])
        time.sleep(0.2)


def _per_item(client: httpx.Client, number: int) -> float:
    """Seconds an item, over as many small briefs as make the whole seconds of a job's times fine enough."""
    rounds = 10
    started = time.perf_counter()
    for n in range(rounds):
        _wait(client, _submit(client, number, f"few {n}")[1])
    return (time.perf_counter() - started) / rounds / number


def _first_bytes(client: httpx.Client) -> list[float]:
    taken = []
    body = {"model": "tone", "voice": "tone", "input": "a line that somebody waits for", "response_format": "pcm"}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        with client.stream("POST", "/v1/audio/speech", json=body, headers={"Cache-Control": "no-cache"}) as answer:
            pieces = answer.iter_raw()
            next(pieces)
            taken.append(time.perf_counter() - started)
            for _piece in pieces:
                pass
        time.sleep(0.05)
    return taken


def _memory(system: System) -> list[int]:
    sizes = []
    for process in (system.web, *system.workers):
        status = Path(f"/proc/{process.pid}/status").read_text()
        sizes.append(int(status.split("VmRSS:")[1].split()[0]) // 1024)
    return sizes


def _seed(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(SEED.format(jobs=JOBS, items=ITEMS_EACH))


def _list(client: httpx.Client, path: str) -> None:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = client.get(path)
        taken.append(time.perf_counter() - started)
        assert answer.status_code == 200, (path, answer.text)
    line(path, taken)
