"""How much somebody has stored, and has under way."""

from __future__ import annotations

from django.db.models import Count, Sum

from accounts.gauges import Rows, gauge
from jobs.models import Blob, Job


@gauge("stored_bytes")
def stored() -> Rows:
    return Blob.objects.order_by().values("owner").annotate(number=Sum("bytes"))


@gauge("concurrent_jobs")
def under_way() -> Rows:
    rows: Rows = Job.objects.open().listed().order_by().values("owner").annotate(number=Count("pk"))
    return rows
