from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Scope, User
from accounts.tokens import issue_key
from jobs.models import Item, State
from tests.factories import make_item, tone_options
from voice import lexicons
from voice.lexicons import MOST_LEXICONS, MOST_VERSIONS, make_lexicon
from voice.models import Lexicon, LexiconVersion

ADDRESS = "/v1/lexicons"
SQL = {"word": "SQL", "respelling": "sequel"}
BARE = {"respelling": "", "ipa": "", "case_sensitive": False}
WHOLE_SQL = {**BARE, **SQL}
TOMATO = {"word": "tomato", "ipa": "təˈmɑːtoʊ"}

pytestmark = pytest.mark.django_db


def post(client: APIClient, body: Any, path: str = ADDRESS) -> Any:
    return client.post(path, json.dumps(body), content_type="application/json")


def make(owner: User, *entries: dict[str, Any], **fields: Any) -> LexiconVersion:
    whole = [{**BARE, **entry} for entry in entries or [SQL]]
    return make_lexicon(owner=owner, **{"name": "Mine", "language": "", "entries": whole, **fields})


def test_it_is_made_and_shown(alice, client_of):
    client = client_of(alice)

    response = post(client, {"name": "Products", "language": "EN_us", "entries": [SQL, TOMATO]})

    assert response.status_code == 201, response.content
    made = response.json()
    lexicon = Lexicon.objects.get()
    assert isinstance(made["created_at"], int)
    assert made == {
        "id": lexicon.pk,
        "object": "lexicon",
        "name": "Products",
        "language": "en-us",
        "version": 1,
        "created_at": made["created_at"],
        "entries": [WHOLE_SQL, {**BARE, **TOMATO}],
    }
    assert client.get(f"{ADDRESS}/{lexicon.pk}").json() == made
    del made["entries"]
    assert client.get(ADDRESS).json()["data"] == [made]


def test_a_word_is_kept_as_it_stands_in_a_text_without_what_is_invisible(alice, client_of):
    response = post(client_of(alice), {"name": "Mine", "entries": [{"word": "Ng\u00adinx\u200b", "respelling": "engine ex\ufeff"}]})

    assert response.json()["entries"] == [{**BARE, "word": "Nginx", "respelling": "engine ex"}]


def test_other_entries_are_a_new_version_and_the_old_one_stays(alice, client_of):
    client, version = client_of(alice), make(alice)
    path = f"{ADDRESS}/{version.lexicon_id}"

    changed = post(client, {"entries": [TOMATO]}, path).json()

    assert (changed["version"], changed["name"], changed["entries"][0]["word"]) == (2, "Mine", "tomato")
    assert client.get(path).json() == changed
    assert client.get(f"{path}@1").json()["entries"] == [WHOLE_SQL]
    assert client.get(f"{path}@2").json() == changed


def test_the_same_entries_or_another_name_are_no_new_version(alice, client_of):
    client, version = client_of(alice), make(alice)

    changed = post(client, {"name": "Other", "language": "de", "entries": [SQL]}, f"{ADDRESS}/{version.lexicon_id}").json()

    assert (changed["name"], changed["language"], changed["version"]) == ("Other", "de", 1)


@pytest.mark.parametrize(
    ("change", "code", "param"),
    [
        ({"name": ""}, "too_short", "name"),
        ({"name": None}, "invalid_type", "name"),
        ({"language": "not a tag"}, "unknown_language", "language"),
        ({"entries": None}, "invalid_type", "entries"),
        ({"entries": [SQL] * 1001}, "too_long", "entries"),
        ({"entries": [SQL, {**SQL, "word": "sql"}]}, "duplicate_entry", "entries"),
        ({"entries": [SQL, {"word": "x"}]}, "missing_required_parameter", "entries[1]"),
        ({"entries": [{"respelling": "x"}]}, "missing_required_parameter", "entries[0].word"),
        ({"entries": [{"word": " ", "respelling": "x"}]}, "too_short", "entries[0].word"),
        ({"entries": [SQL, {"word": "x" * 101, "respelling": "x"}]}, "too_long", "entries[1].word"),
        ({"entries": [{"word": "x", "respelling": "x" * 101}]}, "too_long", "entries[0].respelling"),
        ({"entries": [{"word": "x", "respelling": "..."}]}, "nothing_to_speak", "entries[0].respelling"),
        ({"entries": [{"word": "x", "respelling": "a\u0007"}]}, "invalid_character", "entries[0].respelling"),
        ({"entries": [{"word": "x", "ipa": "TOM8"}]}, "invalid_ipa", "entries[0].ipa"),
        ({"entries": [{"word": "x", "ipa": "]] a [["}]}, "invalid_ipa", "entries[0].ipa"),
        ({"entries": [{**SQL, "case_sensitive": 1}]}, "invalid_type", "entries[0].case_sensitive"),
        ({"entries": [{**SQL, "owner": 1}]}, "unknown_field", "entries[0].owner"),
        ({"id": "lex_1"}, "unknown_field", "id"),
    ],
)
def test_what_is_wrong_is_named(alice, client_of, change, code, param):
    response = post(client_of(alice), {"name": "Mine", "entries": [SQL], **change})

    assert response.status_code == 400, response.content
    assert (response.json()["error"]["code"], response.json()["error"]["param"]) == (code, param)
    assert not Lexicon.objects.exists()


def test_as_many_entries_as_there_can_be_are_taken_in_any_script(alice, client_of):
    entries = [{"word": f"{number:04}" + "你" * 96, "respelling": "好" * 100, "ipa": "ʃ" * 100} for number in range(1000)]

    assert post(client_of(alice), {"name": "Long", "entries": entries}).status_code == 201


def test_there_is_an_end_to_their_number_and_to_their_versions(alice, client_of):
    versions = [make(alice) for _ in range(MOST_LEXICONS)]
    LexiconVersion.objects.update(number=MOST_VERSIONS)
    Lexicon.objects.update(version=MOST_VERSIONS)

    one_more = post(client_of(alice), {"name": "Mine", "entries": []})
    another_version = post(client_of(alice), {"entries": []}, f"{ADDRESS}/{versions[0].lexicon_id}")

    assert (one_more.status_code, one_more.json()["error"]["code"]) == (409, "too_many_lexicons")
    assert (another_version.status_code, another_version.json()["error"]["code"]) == (409, "too_many_versions")


@pytest.mark.parametrize("suffix", ["", "@1"])
def test_those_of_others_are_not_found(alice, bob, client_of, suffix):
    path = f"{ADDRESS}/{make(alice).lexicon_id}"
    stranger = client_of(bob)

    answers = [stranger.get(path + suffix), post(stranger, {"name": "Bob's"}, path), stranger.delete(path)]

    assert [answer.status_code for answer in answers] == [404] * 3
    assert {answer.json()["error"]["code"] for answer in answers} == {"lexicon_not_found"}
    assert stranger.get(ADDRESS).json()["data"] == []
    assert Lexicon.objects.get().name == "Mine"


def test_it_needs_the_scope_for_voices(alice):
    _, token = issue_key(owner=alice, name="speaker", scopes=[Scope.SPEECH])
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")

    assert client.get(ADDRESS).status_code == 403


def test_it_is_forgotten_with_all_its_versions(alice, client_of):
    client, version = client_of(alice), make(alice)
    path = f"{ADDRESS}/{version.lexicon_id}"

    assert client.delete(path).json() == {"id": version.lexicon_id, "object": "lexicon.deleted", "deleted": True}
    assert client.get(f"{path}@1").status_code == 404
    assert not LexiconVersion.objects.exists()


def test_it_stays_while_something_is_to_be_spoken_with_it(alice, client_of):
    client, version = client_of(alice), make(alice)
    item = make_item(alice, options=tone_options(lexicon=version.reference))
    path = f"{ADDRESS}/{version.lexicon_id}"

    assert client.delete(path).json()["error"]["code"] == "lexicon_in_use"

    Item.objects.filter(pk=item.pk).update(state=State.COMPLETED)
    assert client.delete(path).status_code == 200


@pytest.mark.usefixtures("catalogue")
class TestSpeech:
    """A lexicon in a request for speech."""

    def speak(self, client: APIClient, **fields: Any) -> Any:
        body = {"voice": "slt", "model": "tts-1", "items": [{"input": "Ask SQL for a tomato."}], **fields}
        return post(client, body, "/v1/jobs")

    def test_the_newest_version_is_noted_with_what_is_to_be_spoken(self, alice, client_of):
        version = make(alice)
        lexicons.change_lexicon(version.lexicon, name=None, language=None, entries=[{**SQL, "respelling": "sickle"}])

        for reference in (version.lexicon_id, version.reference):
            assert self.speak(client_of(alice), lexicon=reference).status_code == 202

        first, second = Item.objects.order_by("pk")
        assert first.options["lexicon"] == f"{version.lexicon_id}@2"
        assert second.options["lexicon"] == f"{version.lexicon_id}@1"
        assert first.reuse_key != second.reuse_key
        assert first.text == "Ask SQL for a tomato."
        assert first.characters == len(first.text)

    def test_without_one_nothing_is_noted(self, alice, client_of):
        self.speak(client_of(alice), normalize=False)

        options = Item.objects.get().options
        assert (options["lexicon"], options["normalize"]) == (None, False)

    def test_an_item_may_have_its_own(self, alice, client_of):
        version, other = make(alice), make(alice)
        items = [{"input": "One."}, {"input": "Two.", "lexicon": other.lexicon_id, "normalize": False}]

        self.speak(client_of(alice), lexicon=version.lexicon_id, items=items)

        first, second = Item.objects.order_by("position")
        assert (first.options["lexicon"], first.options["normalize"]) == (version.reference, True)
        assert (second.options["lexicon"], second.options["normalize"]) == (other.reference, False)

    def test_one_for_another_language_or_a_voice_that_takes_all_as_it_is_has_no_say(self, alice, client_of):
        german, every = make(alice, language="de"), make(alice)

        self.speak(client_of(alice), lexicon=german.lexicon_id)
        self.speak(client_of(alice), lexicon=every.lexicon_id, voice="tone")
        self.speak(client_of(alice), lexicon=german.lexicon_id, voice="espeak-de")

        noted = [(item.options["lexicon"], item.options["normalize"]) for item in Item.objects.order_by("pk")]
        assert noted == [(None, True), (None, False), (german.reference, True)]

    @pytest.mark.parametrize("reference", ["lex_0", "lex_0@1", "@", "@1", "{id}@", "{id}@2", "{id}@x", "{id}@9999999999999", "{id}@²"])
    def test_one_that_is_not_there(self, alice, client_of, reference):
        error = self.speak(client_of(alice), lexicon=reference.format(id=make(alice).lexicon_id)).json()["error"]

        assert (error["code"], error["param"]) == ("lexicon_not_found", "items[0].lexicon")
        assert not Item.objects.exists()

    def test_that_of_another_is_not_found(self, alice, bob, client_of):
        response = self.speak(client_of(bob), lexicon=make(alice).lexicon_id)

        assert (response.status_code, response.json()["error"]["code"]) == (404, "lexicon_not_found")

    def test_ipa_alone_is_refused_where_it_would_be_needed_and_can_not_be_read(self, alice, client_of):
        version = make(alice, TOMATO)

        refused = self.speak(client_of(alice), lexicon=version.lexicon_id)
        read = self.speak(client_of(alice), lexicon=version.lexicon_id, voice="espeak-en-us")
        needless = self.speak(client_of(alice), lexicon=version.lexicon_id, items=[{"input": "A potato."}])

        error = refused.json()["error"]
        assert (refused.status_code, error["code"], error["param"]) == (400, "unsupported_pronunciation", "items[0].lexicon")
        assert "tomato" in error["message"]
        assert "flite" in error["message"]
        assert (read.status_code, needless.status_code) == (202, 202)
