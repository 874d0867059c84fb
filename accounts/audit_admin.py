"""The audit log in the admin: searched by whoever is asked what happened, changed by nobody."""

from __future__ import annotations

from django.contrib import admin
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from unfold.decorators import display

from accounts.listed import Listed
from accounts.models import AuditEntry, Deed

COLOURS = {
    Deed.ADDED: "success",
    Deed.CHANGED: "info",
    Deed.DELETED: "danger",
    Deed.HEARD: "warning",
    Deed.SIGNED_IN: "primary",
    Deed.SIGNED_OUT: "primary",
    Deed.NOT_LET_IN: "danger",
}


@admin.register(AuditEntry)
class AuditAdmin(Listed):
    list_display = ["at", "who_name", "labelled", "row", "kind", "said", "address", "request_id"]
    list_display_links = ["at"]
    list_filter = ["deed", "at", ("kind", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["who_name", "row_id", "row_name", "detail", "address", "request_id"]
    search_help_text = "by who did it, to what, why, from which address, in which request"
    list_select_related = ["kind"]
    ordering = ["-id"]
    list_per_page = 50

    @display(description="what", ordering="deed", label=COLOURS)
    def labelled(self, entry: AuditEntry) -> tuple[str, str]:
        return entry.deed, entry.get_deed_display()

    @admin.display(description="to what", empty_value="")
    def row(self, entry: AuditEntry) -> str | None:
        """A link, for as long as there is such a page."""
        if entry.kind is None or entry.deed == Deed.DELETED:
            return entry.row_name or None
        try:
            address = reverse(f"admin:{entry.kind.app_label}_{entry.kind.model}_change", args=[entry.row_id])
        except NoReverseMatch:
            return entry.row_name
        return format_html('<a href="{}" class="text-link">{}</a>', address, entry.row_name)

    @admin.display(description="how and why", empty_value="")
    def said(self, entry: AuditEntry) -> str | None:
        return entry.detail or None
