"""The admin over a million items and a hundred thousand outputs: its front page, every list, and what each list links to."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import httpx
import psycopg

from benchmarks.figures import MILLISECONDS, line, quantile
from tests.e2e.system import System, running

ITEMS = 1_000_000
IN_JOBS = 900_000
# of them in jobs of a thousand, the others alone
EACH = 1000
OUTPUTS = 100_000
FEW = 20_000
DAYS = 30
OWNERS = 50
ROUNDS = 20
TRIES = 3
# of each address that a list links to
LINKS = 15
# of them a list
BOUND = 0.3
PASSWORD = "correct horse battery staple"
DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"

TEMPLATES = f"""
from accounts.models import *
from accounts.tokens import issue_key, sign_in
from jobs.models import *
from tests.factories import *
User.objects.create_superuser("bench", "", {PASSWORD!r})
owners = User.objects.bulk_create([User(username=f"tenant-{{n}}") for n in range({OWNERS})])
owner = owners[0]
output = make_output(owner)
make_usage(output.item)
make_live_session(owner, state="closed", first_audio_ms=700)
sign_in(owner)
issue_key(owner=owner, name="key", scopes=[])
Replay.objects.create(owner=owner, key="key", fingerprint="0" * 64)
hook = Webhook.objects.create(owner=owner, url="https://example.org/")
Delivery.objects.create(owner=owner, webhook=hook, job=output.job, event="job.completed", payload={{}}, state="delivered")
print(*(each.pk for each in owners))
"""


def report(folder: Path, postgres_url: str, redis_url: str) -> None:
    with running(folder / "desk", server="uvicorn", workers=1, DATABASE_URL=postgres_url, REDIS_URL=redis_url) as system:
        # what waits is to stay
        system.workers[0].terminate()
        system.workers[0].wait()
        _seed(system, postgres_url)
        with httpx.Client(base_url=system.url, timeout=60, follow_redirects=True) as client:
            front = _sign_in(client)
            print(f"The admin, with {ITEMS:,} items and lines of usage, {OUTPUTS:,} outputs, blobs and deliveries (PostgreSQL):")
            slow = _measure(client, "/admin/", ROUNDS) + _measure(client, "/admin/figures", ROUNDS)
            for path in sorted(set(re.findall(r'href="(/admin/\w+/\w+/)"', front))):
                slow += _list(client, path)
        print(f"{slow} of these take longer than {BOUND * MILLISECONDS:.0f} ms at the 95th percentile.")


def _sign_in(client: httpx.Client) -> str:
    """The front page."""
    client.get("/admin/login/")
    form = {"username": "bench", "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post("/admin/login/?next=/admin/", data=form)
    assert "Overview" in answer.text, answer.text
    return answer.text


def _list(client: httpx.Client, path: str) -> int:
    page = client.get(path).text
    row = re.search(rf'href="({path}[^"/?]+/change/)', page)
    queries = {html.unescape(found) for found in re.findall(r'href="\?([^"]+)"', page)}
    asked = [f"{path}?{query}" for query in sorted(queries)[:LINKS]]
    searched = [f"{path}?q={term}" for term in ("tenant-7", "nothing", _id_in(page))]
    slow = _measure(client, path, ROUNDS)
    return slow + sum(_measure(client, each, TRIES) for each in [*searched, *asked, *([row[1]] if row else [])])


def _id_in(page: str) -> str:
    found = re.search(r"\b(?:job|item|out|sess|msg|key|sign|hook)_\w{26}\b", page)
    return found[0] if found else "1"


def _measure(client: httpx.Client, path: str, rounds: int) -> int:
    """Print how long an address takes; 1 where that is too long."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        answer = client.get(path)
        taken.append(time.perf_counter() - started)
        assert answer.status_code == 200, (path, answer.text[:500])
    slow = quantile(taken, 0.95) > BOUND
    if slow or rounds == ROUNDS:
        line(f"{path[:72]}{' SLOW' if slow else ''}", taken)
    return int(slow)


def _seed(system: System, postgres_url: str) -> None:
    owners = system.shell(TEMPLATES).splitlines()[-1].split()
    job = f"CASE WHEN n < {IN_JOBS} THEN n / {EACH} ELSE n - {IN_JOBS} + {IN_JOBS // EACH} END"
    owner = f"(ARRAY[{', '.join(map(repr, owners))}]::uuid[])[1 + (%s) %% {OWNERS}]"
    since = f"{int(time.time() * MILLISECONDS)} - ({ITEMS} - n)::bigint * {DAYS * 86_400_000 // ITEMS}"
    at = f"to_timestamp(({since}) / 1000.0)"
    state = (
        f"CASE WHEN n >= {ITEMS} - 2000 THEN 'queued' WHEN n % 100 = 1 THEN 'failed' WHEN n % 100 = 2 THEN 'cancelled' ELSE 'completed' END"
    )
    over = f"CASE WHEN n < {ITEMS} - 2000 THEN {at} + interval '2 seconds' END"
    code = (
        "CASE WHEN n % 100 = 1 THEN (ARRAY['engine_failed', 'worker_crashed', 'upstream_unavailable', 'too_long'])[1 + n % 4] ELSE '' END"
    )
    jobs = IN_JOBS // EACH + ITEMS - IN_JOBS

    with psycopg.connect(postgres_url, autocommit=True) as database:
        # what is written here fits together: nothing needs to be looked up for that
        database.execute("SET session_replication_role = replica")
        database.execute("SET synchronous_commit = off")
        ulid = " || ".join(f"substr('{DIGITS}', 1 + ((ms >> {5 * place}) & 31)::int, 1)" for place in reversed(range(10)))
        made = f"SELECT {ulid} || lpad(n::text, 16, '0')"
        database.execute(f"CREATE FUNCTION pg_temp.ulid(ms bigint, n bigint) RETURNS text LANGUAGE sql AS $$ {made} $$".encode())

        def item_id(prefix: str) -> str:
            return f"'{prefix}_' || pg_temp.ulid({since}, n)"

        first = f"CASE WHEN n < {IN_JOBS // EACH} THEN n * {EACH} ELSE n - {IN_JOBS // EACH} + {IN_JOBS} END"
        job_id = "'job_' || lpad(({})::text, 26, '0')"
        _multiply(database, "accounts_apikey", "generate_series(0, 499) n", id=item_id("key"), owner_id=owner % "n")
        _multiply(
            database, "jobs_job", f"generate_series(0, {jobs} - 1) k(n)", id=job_id.format("n"), owner_id=owner % "n",
            total=f"CASE WHEN n < {IN_JOBS // EACH} THEN {EACH} ELSE 1 END",
            state="CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'completed' END",
            created_at=at.replace("n)", f"({first}))"),
        )  # fmt: skip
        _multiply(
            database, "jobs_item", f"generate_series(0, {ITEMS} - 1) n", id=item_id("item"), job_id=job_id.format(job),
            owner_id=owner % job, position=f"n % {EACH}", output_id=item_id("out"), reuse_key="md5(n::text)", state=state,
            created_at=at, started_at=at,
            finished_at=over, error_code=code, batch=f"n < {IN_JOBS}", rung_at="NULL", due_at=at,
        )  # fmt: skip
        _multiply(
            database, "jobs_blob", f"generate_series(0, {ITEMS} - 1, {ITEMS // OUTPUTS}) n", name="'seed/' || n", owner_id=owner % job,
            bytes="1000 + n % 5000", kept_at=at,
        )  # fmt: skip
        _multiply(
            database, "jobs_output", f"generate_series(0, {ITEMS} - 1, {ITEMS // OUTPUTS}) n", id=item_id("out"), item_id=item_id("item"),
            job_id=job_id.format(job), owner_id=owner % job, blob_id="'seed/' || n", reuse_key="md5(n::text)", created_at=at,
        )  # fmt: skip
        _multiply(
            database, "accounts_usage", f"generate_series(0, {ITEMS} - 1) n", item_id=item_id("item"), owner_id=owner % job, created_at=at,
            characters="n % 300", milliseconds="n % 9000", kind="CASE WHEN n % 7 = 0 THEN 'transcription' ELSE 'speech' END",
        )  # fmt: skip
        _multiply(database, "jobs_delivery", f"generate_series(0, {OUTPUTS} - 1) n", id=item_id("msg"), job_id=job_id.format("n % 900"))
        _multiply(database, "accounts_replay", f"generate_series(0, {OUTPUTS} - 1) n", key="'key-' || n", owner_id=owner % "n")
        _multiply(database, "accounts_signin", f"generate_series(0, {FEW} - 1) n", id=item_id("sign"), owner_id=owner % "n")
        _multiply(database, "voice_livesession", f"generate_series({ITEMS - FEW}, {ITEMS} - 1) n", id=item_id("sess"), owner_id=owner % "n")
        database.execute("VACUUM ANALYZE")


def _multiply(database: psycopg.Connection[tuple[str, ...]], table: str, series: str, **columns: str) -> None:
    """Copies of a table's one row, with what differs between them as expressions of `n`: so the seed outlives a new column."""
    found = "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position"
    names = [name for (name,) in database.execute(found, [table])]
    values = [columns.get(name, f't."{name}"') for name in names]
    quoted = ", ".join(f'"{name}"' for name in names)
    copy = f"INSERT INTO {table} ({quoted}) SELECT {', '.join(values)} FROM (SELECT * FROM {table} LIMIT 1) t, {series}"
    database.execute(copy.encode())
