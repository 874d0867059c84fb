"""What this room has done at set times, one line each."""

from __future__ import annotations

from dramatiq_crontab import cron, interval

from voice.actors import clear_revoked_consents, close_lost_sessions, continue_removals

cron("*/10 * * * *")(clear_revoked_consents)
interval(seconds=10)(close_lost_sessions)
interval(seconds=30)(continue_removals)
