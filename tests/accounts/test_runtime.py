"""Settings that staff change while the service runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from constance.codecs import dumps
from constance.models import Constance
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import AuditEntry, Scope
from accounts.roles import Role
from accounts.runtime import runtime
from accounts.tokens import identify, issue_key
from jobs.errors import Maintenance
from jobs.models import Job
from tests.accounts.test_limits import attempt
from tests.accounts.test_roles import staff_as
from tests.factories import make_voice
from voice import live
from voice.models.live import Dialect, Kind

pytestmark = pytest.mark.shapes("embedded", "deployed")

__all__ = ["staff_as"]
PAGE = reverse("admin:constance_config_changelist")


@pytest.fixture(autouse=True)
def _as_the_environment_says() -> Iterator[None]:
    yield
    runtime._changed = {}


def change(desk: Client, **fields: object) -> dict[str, list[str]]:
    """Post the page's form with these fields; what was wrong with them."""
    initial = {name: value for name, value in desk.get(PAGE).context["form"].initial.items() if value is not False}
    response = desk.post(PAGE, {**initial, **fields})
    return {} if response.status_code == 302 else dict(response.context["form"].errors)


def test_what_staff_set_holds_and_is_written_down_with_what_was_before(desk):
    assert change(desk, MAX_QUEUED=7) == {}

    assert runtime.MAX_QUEUED == 7
    entry = AuditEntry.objects.get(row_name="settings")
    assert (entry.who_name, entry.detail) == ("staff", "MAX_QUEUED from 1000 to 7")


def test_only_what_differs_from_the_environment_is_kept(desk, settings):
    change(desk, MAX_QUEUED=7)
    assert list(Constance.objects.values_list("key", flat=True)) == ["MAX_QUEUED"]

    change(desk, MAX_QUEUED=1000)
    settings.MAX_QUEUED = 500

    assert not Constance.objects.exists()
    assert runtime.MAX_QUEUED == 500


def test_another_process_reads_it_within_seconds(desk):
    change(desk, SOCKETS_PER_USER=3)
    runtime._changed = {}

    runtime.read()

    assert runtime.SOCKETS_PER_USER == 3


@pytest.mark.parametrize(
    "fields", [{"MAX_QUEUED": 0}, {"MAX_QUEUED": 10**30}, {"MAX_QUEUED": "many"}, {"SIGN_IN_RATE": "often"}, {"CONSENT_REVIEW": "nobody"}]
)
def test_a_wrong_value_is_refused(desk, fields):
    assert set(change(desk, **fields)) == set(fields)

    assert not Constance.objects.exists()


@pytest.mark.parametrize("wrong", ["", "no JSON", "[]", '{"__type__": "no such", "__value__": 7}', dumps("seven")])
def test_a_row_that_is_wrong_holds_up_none_of_the_others(db, wrong):
    Constance.objects.create(key="MAX_QUEUED", value=wrong)
    Constance.objects.create(key="SOCKETS_PER_USER", value=dumps(3))

    runtime._read_if_possible()

    assert (runtime.MAX_QUEUED, runtime.SOCKETS_PER_USER) == (1000, 3)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_only_administrators_change_them(staff_as, client, role):
    client.force_login(staff_as(role))

    change(client, MAX_QUEUED=7)

    assert client.get(PAGE).status_code == 200
    assert not Constance.objects.exists()


def test_in_maintenance_no_new_work_is_accepted_and_its_client_is_told_when_to_come_back(desk, alice):
    make_voice()
    change(desk, MAINTENANCE="on", MAINTENANCE_MESSAGE="Back at nine.", MAINTENANCE_SECONDS=60)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {issue_key(owner=alice, name='key', scopes=[Scope.SPEECH])[1]}")

    response = client.post("/v1/audio/speech", {"model": "flite", "voice": "anna", "input": "hello"}, format="json")

    assert (response.status_code, response["Retry-After"]) == (503, "60")
    assert response.json()["error"]["code"] == "maintenance"
    assert response.json()["error"]["message"] == "Back at nine."
    assert not Job.objects.exists()


def test_in_maintenance_no_live_session_begins(desk, alice):
    change(desk, MAINTENANCE="on")
    identity = identify(issue_key(owner=alice, name="key", scopes=[Scope.REALTIME])[1])

    with pytest.raises(Maintenance):
        live.begin(identity=identity, model="gpt-realtime", kind=Kind.REALTIME, dialect=Dialect.GA)


def test_a_rate_that_is_set_counts_at_once(desk, alice):
    change(desk, SIGN_IN_RATE="1/m")

    assert [attempt().status_code, attempt().status_code] == [401, 429]


def test_to_look_at_a_setting_costs_the_database_nothing(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert runtime.MAX_QUEUED == 1000
