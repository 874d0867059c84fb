"""The settings that staff change while the service runs: administrators change them, and every change is in the audit log."""

from __future__ import annotations

from typing import Any

from constance.admin import Config, ConstanceAdmin
from constance.codecs import dumps
from constance.forms import ConstanceForm
from constance.models import Constance
from django.conf import settings
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.audit import entry
from accounts.models import Deed
from accounts.runtime import runtime

admin.site.unregister([Config])
# its form writes down what it only looked at


class SettingsForm(ConstanceForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, (_, help_text, *_) in settings.CONSTANCE_CONFIG.items():
            # what stands beside it is no label of it
            self.fields[name].widget.attrs["aria-label"] = help_text

    def save(self) -> list[str]:
        """Write what is changed; what is as the environment says again is forgotten. Told is what each was and what it is."""
        changed = []
        for name, (default, *_) in settings.CONSTANCE_CONFIG.items():
            old, new = self.initial[name], self.cleaned_data[name]
            if old == new:
                continue
            changed.append(f"{name} from {old} to {new}")
            if new == default:
                Constance.objects.filter(key=name).delete()
            else:
                Constance.objects.update_or_create(key=name, defaults={"value": dumps(new)})
        runtime.read()
        return changed


class SettingsAdmin(ConstanceAdmin):
    change_list_form = SettingsForm
    change_list_template = "desk_settings.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        kind = ContentType.objects.get_for_model(Constance)
        history = f"{reverse('admin:accounts_auditentry_changelist')}?kind__id__exact={kind.pk}"
        title = {"title": "Runtime settings", "history": history}
        return super().changelist_view(request, {**title, **(extra_context or {})})

    def _log_config_change(self, request: HttpRequest, changed: list[str]) -> None:
        """In place of constance's own entry, which tells the names only."""
        kind = ContentType.objects.get_for_model(Constance)
        entry(request, Deed.CHANGED, kind=kind, row_name="settings", detail="; ".join(changed)).save()


Config._meta.verbose_name_plural = "runtime settings"
admin.site.register([Config], SettingsAdmin)
