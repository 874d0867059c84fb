"""A file that was an output's becomes a blob, where it lies."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def fill(apps: Any, _editor: Any) -> None:
    output, blob = apps.get_model("jobs", "Output"), apps.get_model("jobs", "Blob")
    for row in output.objects.all().iterator():
        row.blob, _ = blob.objects.get_or_create(
            name=row.file, defaults={"owner_id": row.owner_id, "bytes": row.bytes, "sha256": row.sha256}
        )
        row.save(update_fields=["blob"])


class Migration(migrations.Migration):
    dependencies = [("jobs", "0002_briefs_blobs_webhooks")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
