from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0003_outputs_have_blobs")]

    operations = [
        migrations.RemoveField(model_name="output", name="file"),
        migrations.AlterField(
            model_name="output",
            name="blob",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="outputs", to="jobs.blob"),
        ),
    ]
