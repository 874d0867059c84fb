"""The end of an account, with everything that it has stored."""

from __future__ import annotations

import io

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse

from accounts.models import ApiKey, Quota, Removal, RemovalState, Usage, User
from accounts.tokens import issue_key, sign_in
from jobs.models import Blob, Item, Job, Output, State
from jobs.storage import keep
from jobs.webhooks import register
from tests.factories import (
    make_consent,
    make_item,
    make_live_session,
    make_output,
    make_running,
    make_sample,
    make_usage,
    make_voice,
)
from voice import removals
from voice.actors import continue_removals, remove_account
from voice.custom_voices import delete_voice
from voice.lexicons import make_lexicon
from voice.models import Consent, Lexicon, LiveSession, Voice
from voice.removals import AccountHeld, OwnAccount

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.shapes("embedded", "deployed")]


@pytest.fixture
def furnished(alice: User) -> list[str]:
    """An account that has everything; the names of its files."""
    output = make_output(alice, b"said")
    key, _ = issue_key(owner=alice, name="phone", scopes=[])
    sign_in(alice)
    make_usage(output.item, api_key=key)
    make_item(alice)
    consent = make_consent(alice, recording=keep(io.BytesIO(b"RIFFconsent"), owner_id=alice.pk, form="wav"))
    make_sample(make_voice(owner=alice, consent=consent), b"RIFFsample")
    make_lexicon(owner=alice, name="names", language="", entries=[])
    make_live_session(alice)
    register(alice, "https://receiver.example/")
    return list(Blob.objects.values_list("pk", flat=True))


def test_everything_that_was_stored_goes_and_the_ledger_stays_without_a_name(alice, bob, staff, furnished):
    theirs = make_output(bob, b"of bob")

    removal = removals.begin(owner=alice, by=staff)
    remove_account.fn(removal.pk)

    removal.refresh_from_db()
    assert (removal.state, removal.removed) == (RemovalState.DONE, removal.total)
    for rows in (Job, Item, Output, Voice, Consent, Lexicon, LiveSession, ApiKey, Blob):
        assert not rows._default_manager.filter(owner=alice).exists(), rows
    assert not any(default_storage.exists(name) for name in furnished)
    assert default_storage.exists(theirs.blob_id)
    left = User.objects.get(pk=alice.pk)
    assert (left.email, left.is_active, left.has_usable_password()) == ("", False, False)
    assert "alice" not in left.username
    assert Usage.objects.get().owner == left
    assert Quota.objects.filter(owner=left).exists()


def test_nobody_is_let_in_from_the_beginning(alice, staff, client_of):
    client = client_of(alice)

    removals.begin(owner=alice, by=staff)

    assert client.get("/v1/me").status_code == 401


def test_nobody_is_let_in_again_while_it_goes_on(alice, staff, desk):
    removal = removals.begin(owner=alice, by=staff)
    page = desk.post(reverse("admin:accounts_user_do", args=[alice.pk, "unblock_one"]), follow=True).content.decode()
    assert "let into it any more" in page
    assert not User.objects.get(pk=alice.pk).is_active

    make_running(alice)
    User.objects.update(is_active=True)  # on the form
    remove_account.fn(removal.pk)
    assert not User.objects.get(pk=alice.pk).is_active


def test_what_a_request_leaves_behind_that_had_begun_before_goes_too(alice, staff):
    removal = removals.begin(owner=alice, by=staff)
    remove_account.fn(removal.pk)
    make_sample(make_voice(owner=alice), b"RIFFlate")

    continue_removals.fn()
    remove_account.fn(removal.pk)

    removal.refresh_from_db()
    assert (removal.state, removal.removed) == (RemovalState.DONE, removal.total)
    assert not Voice.objects.filter(owner=alice).exists()
    assert not Blob.objects.exists()


def test_of_two_turns_at_once_the_slower_meets_a_voice_that_is_gone(alice, staff, monkeypatch):
    removal = removals.begin(owner=alice, by=staff)
    make_voice(owner=alice)

    def late(voice: Voice) -> None:
        delete_voice(voice)
        delete_voice(voice)

    monkeypatch.setattr(removals, "delete_voice", late)
    remove_account.fn(removal.pk)

    removal.refresh_from_db()
    assert removal.state == RemovalState.DONE


def test_what_is_under_legal_hold_refuses_it_and_is_named(alice, staff):
    held = make_output(alice, legal_hold=True)

    with pytest.raises(AccountHeld, match=held.pk):
        removals.begin(owner=alice, by=staff)

    assert User.objects.get(pk=alice.pk).is_active
    assert not Removal.objects.exists()


def test_what_is_held_meanwhile_stops_it_and_it_may_be_asked_for_again(alice, staff):
    removal = removals.begin(owner=alice, by=staff)
    held = make_output(alice, legal_hold=True)

    remove_account.fn(removal.pk)
    removal.refresh_from_db()
    assert removal.state == RemovalState.STOPPED
    assert held.pk in removal.problem
    Output.objects.update(legal_hold=False)
    remove_account.fn(removals.begin(owner=alice, by=staff).pk)

    removal.refresh_from_db()
    assert removal.state == RemovalState.DONE


def test_what_runs_is_stopped_and_waited_for(alice, staff):
    item = make_running(alice)
    removal = removals.begin(owner=alice, by=staff)

    remove_account.fn(removal.pk)
    removal.refresh_from_db()
    item.refresh_from_db()
    assert removal.state == RemovalState.UNDER_WAY
    assert item.stop_asked_at is not None
    item.end(State.CANCELLED)
    continue_removals.fn()
    remove_account.fn(removal.pk)

    removal.refresh_from_db()
    assert removal.state == RemovalState.DONE


def test_nobody_deletes_his_own_account_by_it(staff):
    with pytest.raises(OwnAccount):
        removals.begin(owner=staff, by=staff)


def test_staff_ask_for_it_on_the_page_and_see_how_far_it_is(alice, desk):
    make_output(alice)
    address = reverse("admin:accounts_user_do", args=[alice.pk, "remove_one"])

    asked = desk.post(address).content.decode()
    assert "for good" in asked
    assert not Removal.objects.exists()
    page = desk.post(address, {"confirmed": "yes"}, follow=True).content.decode()

    assert "0 of 3 rows and files" in page
    assert "Delete the account" not in page


def test_a_hold_is_told_to_who_asks_for_it(alice, desk):
    held = make_output(alice, legal_hold=True)
    page = desk.post(reverse("admin:accounts_user_do", args=[alice.pk, "remove_one"]), {"confirmed": "yes"}, follow=True)

    assert f"Outputs are under legal hold: {held.pk}" in page.content.decode()
