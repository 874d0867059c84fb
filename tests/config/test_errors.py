"""One shape on every path, whatever goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from config import urls
from config.api import as_refusal, body_and_headers
from config.errors import RateLimited, Refusal


def shape(response) -> Any:
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    assert response["x-request-id"].startswith("req_")
    return error


def test_an_address_that_is_none_is_not_found(db, client):
    assert shape(client.get("/v1/nothing"))["code"] == "not_found"


def test_a_method_that_is_not_offered_is_named_with_those_that_are(db, alice, client_of):
    response = client_of(alice).put("/v1/audio/speech", {}, format="json")

    assert response.status_code == 405
    assert shape(response)["code"] == "method_not_allowed"
    assert "POST" in response["Allow"]


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "MADEUP"])
def test_a_strange_method_is_not_offered(db, alice, client_of, method):
    response = client_of(alice).generic(method, "/v1/models")

    assert response.status_code == 405
    assert shape(response)["code"] == "method_not_allowed"


def test_without_credentials_everything_is_refused(db, client):
    response = client.get("/v1/models")

    assert response.status_code == 401
    assert shape(response)["code"] == "invalid_api_key"
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("media_type", ["text/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_another_media_type_is_refused(db, alice, client_of, media_type):
    response = client_of(alice).post("/v1/audio/speech", "<a/>", content_type=media_type)

    assert response.status_code == 415
    assert shape(response)["code"] == "unsupported_media_type"


def test_another_answer_than_json_is_not_offered(db, alice, client_of):
    response = client_of(alice).get("/v1/models", HTTP_ACCEPT="application/xml")

    assert response.status_code == 406
    assert shape(response)["code"] == "not_acceptable"


def test_the_page_that_drf_would_draw_is_not_offered(db, alice, client_of):
    assert "text/html" not in client_of(alice).get("/v1/models?format=api")["Content-Type"]


@override_settings(ALLOWED_HOSTS=["voice.example"])
@pytest.mark.parametrize("host", ["evil.example", "voice.example:99999x", "a b"])
def test_another_host_is_refused(db, client, host):
    response = client.get("/healthz", HTTP_HOST=host)

    assert response.status_code == 400
    assert shape(response)["code"] == "invalid_request"


@pytest.mark.parametrize("query", ["text=%ff", "id=%00", "a=%C3"])
def test_a_query_that_is_not_text_is_refused(db, alice, client_of, query):
    response = client_of(alice).get(f"/v1/models?{query}")

    assert response.status_code == 400
    assert shape(response)["code"] == "invalid_parameter"


def test_a_nul_in_the_path_is_not_found(db, alice, client_of):
    assert client_of(alice).get("/v1/models/a%00b").status_code == 404


def test_a_fault_of_ours_says_nothing_of_itself(db, monkeypatch, caplog):
    def broken(_request: object) -> HttpResponse:
        raise KeyError("/secret/path")

    monkeypatch.setattr(urls, "urlpatterns", [path("broken", broken)])
    with override_settings(ROOT_URLCONF=tuple(urls.urlpatterns)):
        response = Client(raise_request_exception=False).get("/broken")

    assert response.status_code == 500
    assert shape(response)["code"] == "internal_error"
    assert b"secret" not in response.content
    assert "secret" in caplog.text


def test_a_database_that_is_away_is_unavailable_and_not_our_fault():
    refusal = as_refusal(OperationalError("could not connect to /var/run"))

    assert refusal is not None
    body, headers = body_and_headers(refusal)
    assert (refusal.status, headers["Retry-After"]) == (503, "2")
    assert "/var/run" not in str(body)


def test_a_wait_is_told_in_whole_seconds():
    assert body_and_headers(RateLimited(retry_after=0.2))[1]["Retry-After"] == "1"
    assert body_and_headers(RateLimited(retry_after=3.2))[1]["Retry-After"] == "4"


def test_the_log_is_told_the_reason_which_is_the_message_where_nothing_else_is_known():
    assert Refusal("It can't be done.").reason == "It can't be done."
    assert Refusal("It can't be done.", reason="/srv/model is missing").reason == "/srv/model is missing"
