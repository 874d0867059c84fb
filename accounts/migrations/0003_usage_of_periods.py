"""What was used before there were quotas counts in the calendar months, UTC, that it was used in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import migrations


def fill(apps: Any, _editor: Any) -> None:
    usage, quota = apps.get_model("accounts", "Usage"), apps.get_model("accounts", "Quota")
    for row in usage.objects.all().iterator():
        starts_at = row.created_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        ends_at = (starts_at + timedelta(days=31)).replace(day=1)
        row.period_starts_at, row.milliseconds = starts_at, round(row.seconds * 1000)
        row.save(update_fields=["period_starts_at", "milliseconds"])
        period, _ = quota.objects.get_or_create(owner_id=row.owner_id, starts_at=starts_at, defaults={"ends_at": ends_at})
        period.characters += row.characters
        period.speech_ms += row.milliseconds
        period.save()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_plans_quotas_replays")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
