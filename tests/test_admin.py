"""Every page of the admin, as staff see it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, SignIn, User
from accounts.tokens import issue_key, sign_in
from jobs.models import Item, Job, Output, State
from tests.conftest import PASSWORD
from tests.factories import make_consent, make_item, make_live_session, make_output, make_sample, make_usage, make_voice, make_worker
from voice.lexicons import make_lexicon
from voice.models import ModelAlias, Voice, VoiceAlias

pytestmark = pytest.mark.shapes("embedded", "deployed")


@pytest.fixture
def furnished(alice: User) -> Output:
    """A row of everything."""
    output = make_output(alice)
    key, _ = issue_key(owner=alice, name="<script>alert(1)</script>", scopes=[])
    sign_in(alice)
    make_usage(output.item, api_key=key)
    make_worker()
    VoiceAlias.objects.create(name="alloy", voice=make_voice())
    ModelAlias.objects.create(name="tts-1")
    consent = make_consent(alice, name="<script>alert(1)</script>", transcript="<img src=x>")
    make_sample(make_voice(owner=alice, name="mine", consent=consent), findings={"level": "<img src=x>"})
    entries = [{"word": "<img src=x>", "respelling": "<script>alert(2)", "ipa": "", "case_sensitive": False}]
    make_lexicon(owner=alice, name="<script>alert(1)</script>", language="", entries=entries)
    make_live_session(alice, model="<script>alert(1)</script>", transcript=[{"text": "<img src=x>"}])
    Item.objects.update(text="<img src=x onerror=alert(1)>", error_message="<b>bad</b>")
    return output


def act(desk: Client, model: str, action: str, *rows: Any, **fields: str) -> str:
    sent = {"action": action, "_selected_action": [row.pk for row in rows], **fields}
    response = desk.post(reverse(f"admin:{model}_changelist"), sent, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
def test_every_list_and_every_row_can_be_looked_at(desk, furnished, model):
    name = f"{model._meta.app_label}_{model._meta.model_name}"

    listed = desk.get(reverse(f"admin:{name}_changelist"), {"q": "%", "o": "1"})
    assert listed.status_code == 200

    for row in model.objects.all() if hasattr(model, "objects") else ():
        shown = desk.get(reverse(f"admin:{name}_change", args=[row.pk]))
        assert shown.status_code == 200
        for page in (listed, shown):
            assert b"<script>alert" not in page.content
            assert b"<img src=x" not in page.content


def test_nobody_without_a_sign_in_sees_it(furnished, client):
    for path in (reverse("admin:jobs_job_changelist"), reverse("admin:jobs_output_content", args=[furnished.pk])):
        assert client.get(path)["Location"].startswith("/admin/login/")


def test_a_user_who_is_no_staff_sees_nothing(furnished, client):
    client.login(username="alice", password=PASSWORD)

    assert client.get(reverse("admin:jobs_job_changelist")).status_code == 302


def test_staff_without_the_right_see_no_output(furnished, client):
    User.objects.create_user("viewer", password=PASSWORD, is_staff=True)
    client.login(username="viewer", password=PASSWORD)

    assert client.get(reverse("admin:jobs_output_content", args=[furnished.pk])).status_code == 403


def test_an_output_has_a_player_that_plays_it(desk, furnished):
    Output.objects.update(media_type="audio/mpeg")
    page = desk.get(reverse("admin:jobs_output_change", args=[furnished.pk])).content.decode()
    source = reverse("admin:jobs_output_content", args=[furnished.pk])

    assert f'src="{source}"' in page
    assert desk.get(source)["Content-Type"] == "audio/mpeg"


def test_jobs_are_cancelled_from_their_list(desk, alice):
    item = make_item(alice)

    page = act(desk, "jobs_job", "cancel", item.job)

    assert Job.objects.get().state == State.CANCELLED
    assert "cancelled" in page
    assert "is cancelled" in act(desk, "jobs_job", "cancel", item.job)


def test_failed_items_are_tried_again_from_the_list_of_jobs(desk, alice):
    item = make_item(alice, state=State.FAILED, attempt=3)
    Job.objects.update(failed=1, state=State.FAILED)

    act(desk, "jobs_job", "retry", item.job)

    assert Item.objects.get().state == State.QUEUED


def test_outputs_are_deleted_with_their_files(desk, furnished, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        act(desk, "jobs_output", "forget", furnished, confirmed="yes")

    assert not Output.objects.exists()
    assert not default_storage.exists(furnished.blob_id)


def test_one_output_is_deleted_with_its_file(desk, furnished, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(reverse("admin:jobs_output_delete", args=[furnished.pk]), {"post": "yes"})

    assert not default_storage.exists(furnished.blob_id)


@pytest.mark.parametrize("model", ["jobs_job", "jobs_item", "accounts_usage"])
def test_what_names_files_or_money_is_not_deleted_by_hand(desk, furnished, model):
    page = desk.get(reverse(f"admin:{model}_changelist")).content.decode()

    assert "delete_selected" not in page


def test_keys_are_revoked_and_sign_ins_ended_from_their_lists(desk, furnished):
    act(desk, "accounts_apikey", "revoke", *ApiKey.objects.all(), confirmed="yes")
    act(desk, "accounts_signin", "end", *SignIn.objects.all())

    assert not ApiKey.objects.filter(revoked_at=None).exists()
    assert not SignIn.objects.filter(ended_at=None).exists()


def test_voices_are_disabled_and_enabled_from_their_list(desk, db):
    voice = make_voice()

    act(desk, "voice_voice", "disable", voice)
    assert not Voice.objects.get().enabled

    act(desk, "voice_voice", "enable", voice)
    assert Voice.objects.get().enabled


def test_an_alias_that_staff_change_is_theirs(desk, db):
    alias = VoiceAlias.objects.create(name="alloy", voice=make_voice())
    other = make_voice(name="berta")

    desk.post(reverse("admin:voice_voicealias_change", args=[alias.pk]), {"name": "alloy", "voice": other.pk})

    alias.refresh_from_db()
    assert (alias.voice, alias.automatic) == (other, False)


@pytest.mark.parametrize(
    "query", [{"q": "%00"}, {"created_at__year": "0000"}, {"created_at__year": "9999"}, {"owner__password": "x"}, {"p": "99999"}]
)
def test_an_odd_address_of_a_list_is_no_fault_of_ours(desk, furnished, query):
    assert desk.get(reverse("admin:jobs_job_changelist"), query).status_code < 500


def test_a_long_table_is_sorted_only_by_what_it_has_an_index_of(desk, furnished, monkeypatch):
    path = reverse("admin:accounts_signin_changelist")
    short = desk.get(path).context["cl"].sortable_by
    monkeypatch.setattr("accounts.listed.MOST_COUNTED", 1)

    long = desk.get(path).context["cl"].sortable_by

    assert {"id", "rotated_at"} <= set(short)
    assert "id" in long
    assert "rotated_at" not in long


def test_what_no_database_takes_breaks_no_page(staff, client, alice):
    voice = make_voice(owner=alice)
    client.force_login(staff)

    disabled = client.post(reverse("admin:voice_voice_do", args=[voice.pk, "disable_one"]), {"reason": "a\0b"})
    seen = client.post(reverse("admin:jobs_failure_seen"), {"code": "a\0b", "until": "2020-01-01T00:00:00Z"})

    assert (disabled.status_code, seen.status_code) == (302, 404)
    voice.refresh_from_db()
    assert voice.disabled_reason == "ab"
