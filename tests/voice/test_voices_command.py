from __future__ import annotations

import json
from functools import partial

import pytest
from django.core.management import CommandError

from accounts.models import AuditEntry, Deed
from tests.factories import make_voice
from voice.models import VoiceAlias


@pytest.fixture
def voices(db, manage):
    return partial(manage, "voices")


def names(told: str) -> list[str]:
    return [row["name"] for row in json.loads(told)]


def test_everybody_s_voices_are_listed_by_language_and_state(alice, voices):
    make_voice(name="hans", languages=["de"])
    make_voice(name="anna", languages=["en-us", "en"], enabled=False)
    make_voice(name="mine", owner=alice)

    assert sorted(names(voices("list", "--json"))) == ["anna", "hans"]
    assert names(voices("list", "--language", "de-AT", "--json")) == ["hans"]
    assert names(voices("list", "--state", "disabled", "--json")) == ["anna"]
    assert names(voices("list", "--user", "alice", "--json")) == names(voices("list", "--own", "--json")) == ["mine"]


def test_an_alias_is_given_shown_and_taken(voices):
    make_voice(name="hans")

    voices("alias", "nova", "hans")
    shown = json.loads(voices("show", "nova", "--json"))
    listed = voices("aliases")

    assert (shown["name"], shown["aliases"]) == ("hans", ["nova"])
    assert listed.split() == ["nova", "hans", "flite", "staff"]
    voices("alias", "nova", "--remove")
    assert not VoiceAlias.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [("alias", "nova", "nobody"), ("alias", "nova", "mine"), ("alias", "hans", "hans"), ("alias", "nova", "--remove"), ("show", "nobody")],
)
def test_what_can_t_be_meant_is_refused(alice, voices, arguments):
    make_voice(name="hans")
    make_voice(name="mine", owner=alice)

    with pytest.raises(CommandError):
        voices(*arguments)

    assert not VoiceAlias.objects.exists()


def test_what_a_name_stands_for_is_in_the_audit_log(voices):
    make_voice(name="hans")

    voices("alias", "alloy", "hans")
    voices("alias", "alloy", "--remove")

    assert list(AuditEntry.objects.order_by("pk").values_list("deed", "row_id")) == [(Deed.CHANGED, "alloy"), (Deed.DELETED, "alloy")]
