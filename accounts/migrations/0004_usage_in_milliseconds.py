from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_usage_of_periods")]

    operations = [migrations.RemoveField(model_name="usage", name="seconds")]
