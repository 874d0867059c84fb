"""What this room has done at set times, one line each."""

from __future__ import annotations

from dramatiq_crontab import cron

from voice.actors import clear_revoked_consents

cron("*/10 * * * *")(clear_revoked_consents)
