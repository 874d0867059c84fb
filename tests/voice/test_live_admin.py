"""Live sessions on the desk: figures that can be read, what was said, and the end."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.db.models import F
from django.test import Client
from django.urls import reverse

from tests.factories import make_live_session
from voice.live import BY_STAFF
from voice.models import LiveSession, SessionState


def page_of(desk: Client, session: LiveSession) -> str:
    return desk.get(reverse("admin:voice_livesession_change", args=[session.pk])).content.decode()


def test_figures_and_what_was_said_can_be_read(desk, alice):
    said = [
        {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": "Who is <b>there</b>?"}]},
        {"id": "item_2", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Nobody."}]},
        {"id": "item_3", "type": "function_call", "name": "look", "arguments": '{"where": 1}'},
    ]
    session = make_live_session(alice, state=SessionState.CLOSED, transcript=said, transcript_ms=210, first_audio_ms=640, seconds_in=3.25)
    LiveSession.objects.update(ended_at=F("started_at") + timedelta(seconds=125))

    page = page_of(desk, session)

    for told in ("2 min 5 s", "understood: 210 ms", "first sound of the answer: 640 ms", "3.2", "Nobody.", "{&quot;where&quot;: 1}"):
        assert told in page
    assert "<strong>user</strong>: Who is &lt;b&gt;there" in page


def test_that_nothing_was_kept_is_said(desk, alice):
    assert "It was not kept" in page_of(desk, make_live_session(alice))


def test_an_open_one_is_ended_once_that_is_confirmed(desk, alice):
    session = make_live_session(alice)
    address = reverse("admin:voice_livesession_do", args=[session.pk, "end_one"])

    desk.post(address)
    assert LiveSession.objects.get().end_asked_at is None
    desk.post(address, {"confirmed": "yes"})

    assert LiveSession.objects.get().end_reason == BY_STAFF
    assert LogEntry.objects.get().change_message == "told to end"
    assert "End the conversation" not in page_of(desk, session)
