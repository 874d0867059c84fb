from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.models import SignIn
from accounts.tokens import sign_in

pytestmark = pytest.mark.shapes("embedded", "deployed")


@pytest.mark.parametrize("query", [{"date_joined__year": "0000"}, {"date_joined__year": "9999"}, {"username": "\0"}, {"q": "%"}])
@pytest.mark.parametrize("model", ["user", "apikey", "signin", "usage"])
def test_an_odd_address_of_a_list_is_no_fault_of_ours(staff, client, model, query):
    client.force_login(staff)

    assert client.get(reverse(f"admin:accounts_{model}_changelist"), query).status_code < 500


def test_the_ids_of_refresh_tokens_are_not_shown(staff, client, alice):
    client.force_login(staff)
    sign_in(alice)
    row = SignIn.objects.get(owner=alice)

    page = client.get(reverse("admin:accounts_signin_change", args=[row.pk])).content.decode()

    assert row.pk in page
    assert row.token_id not in page
