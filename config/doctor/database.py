"""The database: there, able, as new as the code, and with room for all connections."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts.ids import new_id
from config.doctor.findings import Finding, check, failure, warning, well
from jobs.models import Worker

PATIENCE = 3
# seconds
OLDEST = 140_000
# as PostgreSQL counts: 14, which Django 5.2 asks for
SKEW = 2.0
# seconds between clocks
POSTGRES = "postgresql"
SCALE = 10_000
MIGRATE = "`manage.py migrate`"


@check("database", needs=("settings",))
def database() -> Iterator[Finding]:
    if connection.vendor != POSTGRES:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT sqlite_version()")
                [told] = cursor.fetchone()
        except DatabaseError as error:
            yield failure(f"SQLite can't be opened: {error}.", "See that DATA_DIR and what is in it belong to whoever runs this.")
            return
        production = settings.ENV.environment == "production"
        yield _sqlite_in_production(told) if production else well(f"SQLite {told} in DATA_DIR: one machine, one server process.")
        return
    try:
        # not through the pool, whose error does not say why
        with closing(psycopg.connect(**_parameters())) as direct:
            number = direct.info.server_version
    except psycopg.Error as error:
        yield failure(f"PostgreSQL can't be reached: {' '.join(str(error).split())}", "See that it runs, and that DATABASE_URL is right.")
        return
    if number < OLDEST:
        yield failure(f"PostgreSQL {number // SCALE}.", "Use 14 or later.")
    else:
        yield well(f"PostgreSQL {number // SCALE}.{number % SCALE} answers.")


@check("migrations", needs=("database",))
def migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    unknown = [name for name in executor.loader.applied_migrations if name[0] in executor.loader.migrated_apps]
    newer = sorted(f"{app}.{name}" for app, name in unknown if (app, name) not in executor.loader.graph.nodes)
    if waiting:
        yield failure(f"{len(waiting)} migrations are not applied, the first is {waiting[0][0]}.", MIGRATE)
    if newer:
        yield failure(f"The database is newer than this code: it has {', '.join(newer)}.", "Use the version that migrated it.")
    if not waiting and not newer:
        yield well("All migrations are applied.")


@check("writes", needs=("database", "migrations"))
def writes() -> Iterator[Finding]:
    try:
        with transaction.atomic():
            Worker.objects.create(id=new_id("doctor"), threads=1)
            transaction.set_rollback(True)
    except DatabaseError as error:
        yield failure(f"The database takes no writes: {_first(error)}.", "See its rights, whether it is a standby, and its disk.")
    else:
        yield well("The database takes writes.")


@check("clock", needs=("database",))
def clock() -> Iterator[Finding]:
    """Leases and quotas go by the database's clock, tokens by each machine's own."""
    if connection.vendor != POSTGRES:
        yield well("The database has this machine's clock.")
        return
    before = time.time()
    [theirs] = _row("SELECT clock_timestamp()")
    skew = _apart(theirs, before, time.time())
    if skew > SKEW:
        yield failure(f"This machine's clock and the database's are {skew:.1f} s apart.", "Let both follow a time server.")
    else:
        yield well(f"This machine's clock is {skew:.1f} s from the database's, at most.")


@check("connections", needs=("database", "migrations"))
def pool() -> Iterator[Finding]:
    if connection.vendor != POSTGRES:
        return
    [allowed] = _row("SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int")
    [used] = _row("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
    size = settings.ENV.database_pool
    processes = 1 + Worker.objects.alive().count()  # one serves the web
    told = f"PostgreSQL allows {allowed} connections; {used} are open, {processes} processes of ours may hold {processes * size}."
    advice = "Raise max_connections or lower DATABASE_POOL; every web process beyond the first adds as many."
    if size > allowed:
        yield failure(told, advice)
    elif processes * size > allowed:
        yield warning(told, advice)
    else:
        yield well(told)


def _sqlite_in_production(told: str) -> Finding:
    advice = "For more than one process or machine set DATABASE_URL and REDIS_URL; back DATA_DIR up."
    return warning(f"SQLite {told} in production.", advice)


def _parameters() -> dict[str, Any]:
    known = settings.DATABASES["default"]
    asked = {"dbname": known["NAME"], "user": known["USER"], "password": known["PASSWORD"], "host": known["HOST"], "port": known["PORT"]}
    return {name: value for name, value in asked.items() if value} | {"connect_timeout": PATIENCE}


def _row(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def _apart(theirs: datetime, before: float, after: float) -> float:
    """Seconds between two clocks, at most: what the answer took may be on either side."""
    return max(abs(theirs.timestamp() - before), abs(theirs.timestamp() - after))


def _first(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
