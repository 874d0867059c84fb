"""What opens the door, and everything that must not."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts import tokens
from accounts.errors import InvalidToken
from accounts.models import ApiKey, Scope, SignIn, User
from tests.waiting import TIMEOUT_S

pytestmark = pytest.mark.shapes("embedded", "deployed")

PASSWORD = "correct horse battery staple"


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def signed(settings: Any, claims: dict[str, Any], *, algorithm: str = "HS256", headers: dict[str, Any] | None = None, key: str = "") -> str:
    """A token with our key, or another's."""
    ours: Any = None if algorithm == "none" else settings.SIMPLE_JWT["SIGNING_KEY"]
    return jwt.encode(claims, key or ours, algorithm=algorithm, headers=headers)


def refused(token: str) -> bool:
    try:
        tokens.identify(token)
    except InvalidToken:
        return True
    return False


@pytest.fixture
def access(alice: User) -> str:
    return tokens.sign_in(alice).access


def test_an_access_token_says_who_calls_and_may_do_everything(alice, access):
    identity = tokens.identify(access)

    assert identity.user == alice
    assert identity.scopes == frozenset(Scope)
    assert identity.api_key is None


def test_one_query_tells_who_calls(access, django_assert_num_queries):
    with django_assert_num_queries(1):
        tokens.identify(access)


def test_a_key_says_who_calls_and_may_do_what_it_was_made_for(alice):
    key, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.SPEECH])

    identity = tokens.identify(token)

    assert (identity.user, identity.api_key, identity.scopes) == (alice, key, frozenset({Scope.SPEECH}))


def test_a_key_itself_is_not_kept(alice):
    _, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.SPEECH])

    assert token not in str(list(ApiKey.objects.values()))


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(alice, django_assert_num_queries):
    key, token = tokens.issue_key(owner=alice, name="app", scopes=[])
    tokens.identify(token)
    key.refresh_from_db()
    assert key.last_used_at is not None

    with django_assert_num_queries(1):
        tokens.identify(token)


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "....", "é.b.c", "x" * 7000, "null", "eyJ.eyJ.x"])
def test_what_is_no_token_is_refused(db, text):
    assert refused(text)


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_another_algorithm_is_refused(settings, access, algorithm):
    assert refused(signed(settings, claims_of(access), algorithm=algorithm))


@pytest.mark.parametrize("name", ["none", "None", "nOnE", "HS256 ", "RS256", "ES256", "PS256"])
def test_a_header_that_names_another_algorithm_is_refused(access, name):
    header = base64.urlsafe_b64encode(json.dumps({"alg": name, "typ": "JWT"}).encode()).rstrip(b"=").decode()
    _, payload, signature = access.split(".")

    assert refused(f"{header}.{payload}.{signature}")
    assert refused(f"{header}.{payload}.")


@pytest.mark.parametrize("headers", [{"crit": ["exp2"], "exp2": 1}, {"crit": []}, {"crit": ["b64"], "b64": False}])
def test_a_critical_header_that_nobody_knows_is_refused(settings, access, headers):
    assert refused(signed(settings, claims_of(access), headers=headers))


@pytest.mark.parametrize("headers", [{"kid": "../../dev/null"}, {"jku": "http://127.0.0.1:1/"}, {"x5u": "http://127.0.0.1:1/"}])
def test_a_header_that_names_another_key_changes_nothing(settings, access, headers):
    assert refused(signed(settings, claims_of(access), headers=headers, key="their own key that is long enough to be one"))


@pytest.mark.parametrize("cut", [1, 5, 43])
def test_a_signature_that_was_cut_is_refused(access, cut):
    assert refused(access[:-cut])


def test_a_payload_that_was_changed_is_refused(access):
    header, _, signature = access.split(".")
    payload = base64.urlsafe_b64encode(json.dumps({**claims_of(access), "sub": str(uuid.uuid4())}).encode()).rstrip(b"=").decode()

    assert refused(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("text", [" {}", "{} ", "{}\n", "{}=", "{}==", "{}!", "{}.", "{}AA"])
def test_a_token_with_something_around_it_is_refused(access, text):
    assert refused(text.format(access))


@pytest.mark.parametrize("between", [" ", "\n", "=", "$", "+", "/"])
def test_a_token_with_something_in_its_signature_is_refused(access, between):
    assert refused(f"{access[:-9]}{between}{access[-9:]}")


def test_a_signature_whose_last_character_has_other_spare_bits_is_refused(access):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    for spare in (1, 2, 3):
        assert refused(access[:-1] + alphabet[alphabet.index(access[-1]) + spare])


@pytest.mark.parametrize("payload", [b"", b"[]", b'"x"', b"null", b"\xff", b"[" * 2500, b'{"exp": NaN}', b'{"exp": Infinity}'])
def test_a_well_signed_payload_that_is_no_object_of_claims_is_refused(settings, db, payload):
    assert refused(jwt.PyJWS().encode(payload, settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="HS256"))


@pytest.mark.parametrize("header", [b"[" * 2800, b"[]", b'{"alg": ["HS256"]}', b'{"alg": null}', b'{"alg": "HS256", "kid": 5}', b"\xff"])
def test_a_header_that_is_none_is_refused(access, header):
    _, payload, signature = access.split(".")

    assert refused(f"{base64.urlsafe_b64encode(header).rstrip(b'=').decode()}.{payload}.{signature}")


@pytest.mark.parametrize(
    "change",
    [
        {"exp": None}, {"exp": "soon"}, {"exp": -1}, {"exp": [1]}, {"exp": 10**30}, {"exp": "1999999999"}, {"exp": 1999999999.5},
        {"iat": None}, {"iat": "x"}, {"iat": 10**11}, {"iat": "1700000000"}, {"iat": True}, {"nbf": 10**11}, {"nbf": "1"}, {"nbf": {}},
        {"jti": None}, {"jti": 5}, {"jti": ["x"]}, {"jti": ""}, {"jti": "\0"}, {"jti": "\ud800"}, {"sid": "\ud800"},
        {"typ": None}, {"typ": "refresh"}, {"typ": "other"}, {"typ": ["access"]}, {"typ": 5},
        {"iss": "another"}, {"iss": None}, {"aud": "another"}, {"aud": None}, {"aud": ["voice-platform"]}, {"aud": ["voice-platform", "x"]},
        {"sub": None}, {"sub": "abc"}, {"sub": "\0"}, {"sub": []}, {"sub": {}}, {"sub": 10**40}, {"sub": "\ud800"},
        {"sub": str(uuid.uuid4())},
        {"sid": None}, {"sid": 5}, {"sid": ["x"]}, {"sid": "\0"}, {"sid": "sign_x"}, {"stamp": None}, {"stamp": "0" * 16}, {"stamp": {}},
    ],
)  # fmt: skip
def test_a_well_signed_token_with_a_claim_that_is_wrong_is_refused(settings, access, change):
    assert refused(changed(settings, access, change))


def changed(settings: Any, token: str, change: dict[str, Any]) -> str:
    """The token with other claims, without those that are None; signed below PyJWT's door that refuses to write what it may read."""
    claims = {name: value for name, value in {**claims_of(token), **change}.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), settings.SIMPLE_JWT["SIGNING_KEY"], algorithm="HS256")


@pytest.mark.parametrize(
    "change", [{"jti": "\0"}, {"jti": "\ud800"}, {"jti": []}, {"sid": "\ud800"}, {"sid": {}}, {"iat": None}, {"typ": "access"}]
)
def test_a_well_signed_refresh_token_with_a_claim_that_is_wrong_is_refused(settings, alice, change):
    token = changed(settings, tokens.sign_in(alice).refresh, change)

    with pytest.raises(InvalidToken):
        tokens.refresh(token)


@pytest.mark.parametrize(
    "change", [{"key": None}, {"key": "\0"}, {"key": "\ud800"}, {"key": 5}, {"key": {}}, {"key": "key_x"}, {"iat": None}]
)
def test_a_well_signed_key_with_a_claim_that_is_wrong_is_refused(settings, alice, change):
    _, token = tokens.issue_key(owner=alice, name="app", scopes=[])

    assert refused(changed(settings, token, change))


def test_a_scope_that_is_no_more_is_passed_over(alice):
    _, token = tokens.issue_key(owner=alice, name="app", scopes=[Scope.SPEECH])
    ApiKey.objects.update(scopes=["speech", "gone"])

    assert tokens.identify(token).scopes == {Scope.SPEECH}


@pytest.mark.parametrize("form", ["upper", "hex", "braces", "urn"])
def test_a_user_id_in_another_form_than_the_canonical_is_refused(settings, alice, access, form):
    forms = {"upper": str(alice.pk).upper() + "X", "hex": alice.pk.hex, "braces": f"{{{alice.pk}}}", "urn": alice.pk.urn}

    assert refused(signed(settings, {**claims_of(access), "sub": forms[form]}))


@pytest.mark.parametrize(("late", "let_in"), [(9, True), (11, False)])
def test_a_token_is_let_in_until_ten_seconds_past_its_end(settings, access, late, let_in):
    assert refused(signed(settings, {**claims_of(access), "exp": int(time.time()) - late})) is not let_in


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(alice):
    pair = tokens.sign_in(alice)

    assert refused(pair.refresh)
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.access)
    with pytest.raises(InvalidToken):
        tokens.sign_out(pair.access)


def test_signing_out_ends_the_access_token_too(alice):
    pair = tokens.sign_in(alice)
    other = tokens.sign_in(alice)

    tokens.sign_out(pair.refresh)

    assert refused(pair.access)
    assert not refused(other.access)
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)


def everything_of(user: User) -> tuple[tokens.Pair, str]:
    _, key = tokens.issue_key(owner=user, name="app", scopes=[Scope.SPEECH])
    return tokens.sign_in(user), key


def test_a_changed_password_ends_everything(alice):
    pair, key = everything_of(alice)

    alice.set_password("another horse battery staple")
    alice.save()

    assert refused(pair.access)
    assert refused(key)
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)


def test_a_password_that_was_taken_away_ends_everything(alice):
    pair, key = everything_of(alice)

    alice.set_unusable_password()
    alice.save()

    assert refused(pair.access)
    assert refused(key)


def test_the_same_password_hashed_anew_ends_nothing(alice, settings):
    pair, key = everything_of(alice)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]

    assert authenticate(username="alice", password=PASSWORD) == alice

    assert User.objects.get().password.startswith("pbkdf2")
    assert not refused(pair.access)
    assert not refused(key)
    assert not refused(tokens.sign_in(User.objects.get()).access)


def test_a_blocked_user_has_no_token_left(alice):
    pair, key = everything_of(alice)

    User.objects.update(is_active=False)

    assert refused(pair.access)
    assert refused(key)
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)


def test_a_deleted_user_has_no_token_left(alice):
    pair, key = everything_of(alice)

    alice.delete()

    assert refused(pair.access)
    assert refused(key)


def test_a_revoked_key_is_refused_at_once(alice):
    key, token = tokens.issue_key(owner=alice, name="app", scopes=[])

    assert key.revoke()
    assert not key.revoke()

    assert refused(token)


def test_a_key_is_refused_after_its_end(alice):
    key, token = tokens.issue_key(owner=alice, name="app", scopes=[], expires_at=timezone.now() + timedelta(hours=1))
    assert not refused(token)

    ApiKey.objects.filter(pk=key.pk).update(expires_at=Now() - timedelta(seconds=1))

    assert refused(token)


def test_a_key_that_names_the_key_of_another_is_refused(settings, alice, bob):
    _, token = tokens.issue_key(owner=alice, name="app", scopes=[])
    theirs, _ = tokens.issue_key(owner=bob, name="app", scopes=[Scope.ACCOUNT])

    assert refused(signed(settings, {**claims_of(token), "key": theirs.pk}))


def test_a_refresh_token_is_used_once(alice):
    pair = tokens.sign_in(alice)

    following = tokens.refresh(pair.refresh)

    assert not refused(following.access)
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)
    assert tokens.refresh(following.refresh)


def test_of_sixteen_uses_at_once_one_is_granted(transactional_db, alice):
    pair = tokens.sign_in(alice)

    def use(_: int) -> bool:
        try:
            tokens.refresh(pair.refresh)
        except InvalidToken:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(16) as pool:
        granted = list(pool.map(use, range(16)))

    assert sum(granted) == 1
    assert SignIn.objects.get().ended_at is None, "twins are not thieves"


def test_a_use_that_waited_for_another_is_refused(transactional_db, alice):
    """What sixteen threads hardly ever meet: the second UPDATE begins before the first one's transaction has ended."""
    family = SignIn.begin(alice, token_id="used")
    rotated = threading.Event()

    def hold() -> bool:
        with transaction.atomic():
            granted = family.rotate(used_token_id="used", token_id="first")
            rotated.set()
            # long enough for the other's UPDATE to begin; where it comes later, the answer is the same
            time.sleep(0.5)
        connection.close()
        return granted

    def wait() -> bool:
        rotated.wait(TIMEOUT_S)
        granted = family.rotate(used_token_id="used", token_id="second")
        connection.close()
        return granted

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(hold), pool.submit(wait)

    assert (first.result(), second.result()) == (True, False)
    family.refresh_from_db()
    assert (family.token_id, family.ended_at) == ("first", None)


def test_a_thief_who_refreshes_all_the_time_is_found_out(alice):
    stolen = tokens.sign_in(alice).refresh
    latest = tokens.refresh(tokens.refresh(stolen).refresh)

    with pytest.raises(InvalidToken):
        tokens.refresh(stolen)

    assert refused(latest.access)


def test_a_used_token_that_comes_again_later_ends_the_sign_in(alice):
    pair = tokens.sign_in(alice)
    following = tokens.refresh(pair.refresh)
    SignIn.objects.update(rotated_at=Now() - timedelta(seconds=11))

    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)

    assert refused(following.access)
    with pytest.raises(InvalidToken):
        tokens.refresh(following.refresh)


def test_a_sign_in_ends_however_often_it_is_refreshed(alice):
    pair = tokens.sign_in(alice)
    SignIn.objects.update(expires_at=Now() - timedelta(seconds=1))

    assert refused(pair.access)
    with pytest.raises(InvalidToken):
        tokens.refresh(pair.refresh)
