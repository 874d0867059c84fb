from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from accounts import quotas
from accounts.errors import InsufficientQuota
from accounts.models import Override, User
from accounts.quotas import Amount


def number(name: str, limit: str) -> float:
    return REGISTRY.get_sample_value(name, {"limit": limit}) or 0.0


def test_a_spent_quota_is_counted_by_its_limit(alice: User):
    Override.objects.create(owner=alice, characters=10)
    before = number("voice_quota_refusals_total", "characters")

    with pytest.raises(InsufficientQuota):
        quotas.reserve(alice, "speech", Amount(characters=11), quotas.allowance(alice))

    assert number("voice_quota_refusals_total", "characters") == before + 1


def test_a_request_too_many_is_counted_by_its_limit(alice: User, client_of, settings):
    settings.WRITE_RATE = "1/m"
    before = number("voice_rate_limit_refusals_total", "writes")
    client = client_of(alice)

    statuses = [client.post("/v1/api-keys", {"name": "n", "scopes": ["jobs"]}, format="json").status_code for _ in range(3)]

    assert statuses[1:] == [429, 429]
    assert number("voice_rate_limit_refusals_total", "writes") == before + 2
