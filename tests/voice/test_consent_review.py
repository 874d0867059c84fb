"""The page on which consents are reviewed, one after the other."""

from __future__ import annotations

import io

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import User
from jobs.storage import keep
from tests.factories import make_consent, make_sample, make_voice
from voice.models import Consent, ConsentState
from voice.phrases import compared


@pytest.fixture
def waiting(alice: User) -> list[Consent]:
    return [make_consent(alice, name=name, state=ConsentState.PENDING) for name in ("first", "second", "third")]


def review(consent: Consent) -> str:
    return reverse("admin:voice_consent_one_review", args=[consent.pk])


def test_who_waits_longest_is_heard_first(desk, alice, waiting):
    make_consent(alice, name="approved")

    response = desk.get(reverse("admin:voice_consent_reviews"))

    assert response["Location"] == review(waiting[0])


def test_a_verdict_leads_on_to_the_next(desk, waiting):
    first, second, third = waiting

    desk.post(review(first), {"verdict": "approve"})
    response = desk.post(review(second), {"verdict": "refuse", "reason": "Two people speak."}, follow=True)

    assert response.redirect_chain[-1][0] == review(third)
    assert list(Consent.objects.order_by("pk").values_list("state", "reason")) == [
        ("approved", ""),
        ("refused", "Two people speak."),
        ("pending", ""),
    ]
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["approved", "refused: Two people speak."]


def test_one_may_be_passed_over_and_comes_again(desk, waiting):
    first, second, third = waiting
    queue = reverse("admin:voice_consent_reviews")

    assert desk.get(queue, {"after": first.pk})["Location"] == review(second)
    assert desk.get(queue, {"after": third.pk})["Location"] == review(first)


def test_the_owner_reads_why_his_consent_was_refused(desk, alice, waiting, client_of):
    desk.post(review(waiting[0]), {"verdict": "refuse", "reason": "Two people speak."})

    told = client_of(alice).get(f"/v1/audio/voice_consents/{waiting[0].pk}").json()

    assert (told["state"], told["reason"]) == ("refused", "Two people speak.")


@pytest.mark.parametrize("sent", [{"verdict": "refuse"}, {"verdict": "refuse", "reason": " "}, {"verdict": "revoke"}, {"verdict": "x"}, {}])
def test_without_a_verdict_or_its_reason_nothing_is_done(desk, waiting, sent):
    response = desk.post(review(waiting[0]), sent)

    assert response["Location"] == review(waiting[0])
    assert Consent.objects.filter(state=ConsentState.PENDING).count() == 3


def test_what_was_to_be_read_stands_beside_what_was_heard(desk, alice):
    blob = keep(io.BytesIO(b"RIFF"), owner_id=alice.pk, form="wav")
    consent = make_consent(alice, phrase="I agree to this.", transcript="I disagree to this, today.", recording=blob)
    sample = make_sample(make_voice(owner=alice, consent=consent), findings={"speech_db": -20.5})

    page = desk.get(review(consent)).content.decode()

    assert '<del><span class="desk-hidden">not heard: </span>agree</del>' in page
    assert "today." in page
    assert reverse("admin:voice_consent_recording", args=[consent.pk]) in page
    assert reverse("admin:voice_sample_audio", args=[sample.pk]) in page
    assert "speech: -20.5 dB" in page


def test_a_revocation_is_for_good(desk, alice):
    consent = make_consent(alice)

    desk.post(review(consent), {"verdict": "revoke", "reason": "The speaker wrote to us."})

    consent.refresh_from_db()
    assert (consent.state, consent.reason) == (ConsentState.REVOKED, "The speaker wrote to us.")
    assert "Revoke for good" not in desk.get(review(consent)).content.decode()


def test_where_nothing_waits_that_is_said(desk, alice):
    make_consent(alice)

    assert b"Nothing waits" in desk.get(reverse("admin:voice_consent_reviews")).content


def test_who_may_not_review_does_not(waiting):
    client = Client()
    client.force_login(User.objects.create_user("viewer", is_staff=True))

    assert client.get(reverse("admin:voice_consent_reviews")).status_code == 403
    assert client.post(review(waiting[0]), {"verdict": "approve"}).status_code == 403


@pytest.mark.parametrize(
    ("heard", "pieces"),
    [
        ("I agree, to this!", [("same", "I agree to this.")]),
        ("I agree", [("same", "I agree"), ("missing", "to this.")]),
        ("no", [("missing", "I agree to this."), ("added", "no")]),
        ("", [("missing", "I agree to this.")]),
        ("I do agree to this", [("same", "I"), ("added", "do"), ("same", "agree to this.")]),
    ],
)
def test_two_texts_are_compared_word_by_word(heard, pieces):
    assert compared("I agree to this.", heard) == pieces
