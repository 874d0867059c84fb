"""What is counted of those who are told no."""

from __future__ import annotations

from prometheus_client import Counter

QUOTA_REFUSALS = Counter("voice_quota_refusals_total", "Work that was refused because a period's quota is spent.", ["limit"])
RATE_REFUSALS = Counter("voice_rate_limit_refusals_total", "Requests that were one too many.", ["limit"])

WRITES = "writes"
SIGN_IN_BY_ADDRESS = "sign-in by address"
SIGN_IN_BY_NAME = "sign-in by name"
TOKENS_BY_ADDRESS = "tokens by address"

# what never happened is 0 and not missing
for _field in ("characters", "speech_seconds", "transcription_seconds", "conversion_seconds"):
    QUOTA_REFUSALS.labels(_field)
for _limit in (WRITES, SIGN_IN_BY_ADDRESS, SIGN_IN_BY_NAME, TOKENS_BY_ADDRESS):
    RATE_REFUSALS.labels(_limit)
