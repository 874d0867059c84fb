"""The people of the tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client, TransactionTestCase
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tokens import sign_in
from config.roles import write_roles
from tests.waiting import TIMEOUT_S

PASSWORD = "correct horse battery staple"
KEPT = {"django_content_type", "django_migrations", "auth_permission"}  # tables that no test writes to
PATIENT = "-c statement_timeout=10min -c lock_timeout=5min -c idle_in_transaction_session_timeout=10min"


def pytest_configure() -> None:
    """Hash passwords cheaply, and give the services time: the machine that runs the tests may be busy."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    TransactionTestCase._fixture_teardown = _emptied  # type: ignore[attr-defined]
    settings.LEASE = timedelta(minutes=10)
    options = settings.DATABASES["default"]["OPTIONS"]
    if "pool" in options:
        options |= {"options": PATIENT, "pool": options["pool"] | {"timeout": TIMEOUT_S}}
    else:
        options["timeout"] = TIMEOUT_S
    if "OPTIONS" in settings.CACHES["default"]:
        settings.CACHES["default"]["OPTIONS"] |= {"socket_timeout": TIMEOUT_S}


def _emptied(_case: TransactionTestCase) -> None:
    """Leave no row that a test without a transaction wrote. Django's way empties every table, and makes what it knows of models anew: a
    fifth of a second for each of hundreds of tests.
    """
    quote = connection.ops.quote_name
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {quote(table)})" for table in sorted(tables)))
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {quote(table)}")
        write_roles()


@pytest.fixture(autouse=True)
def _fresh_counters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let rate limits count from nothing in every test, and within one window however long the test takes."""
    now = time.time()
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: now))
    yield
    cache.clear()


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", "alice@example.org", PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    """A stranger to alice."""
    return User.objects.create_user("bob", "bob@example.org", PASSWORD)


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_superuser("staff", "staff@example.org", PASSWORD)


@pytest.fixture
def desk(staff: User) -> Client:
    """The admin, as somebody in it who may do everything."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def manage(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command of `manage.py`: what it said."""

    def run(*arguments: str) -> str:
        call_command(*arguments)
        return str(capsys.readouterr().out)

    return run


@pytest.fixture
def client_of() -> Callable[[User], APIClient]:
    """A client that is signed in as somebody."""

    def make(user: User) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in(user).access}")
        return client

    return make
