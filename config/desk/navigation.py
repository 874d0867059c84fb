"""The ways through the admin, by what staff do; each sees those that lead to what he may see."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.dataclasses import SearchResult

Entry = dict[str, Any]
# as unfold wants it: a title, an icon of Material Symbols, a link

GROUPS: dict[str, dict[str, str]] = {
    "Work": {
        "jobs.job": "list_alt",
        "jobs.item": "checklist",
        "jobs.failure": "report",
        "jobs.output": "music_note",
        "jobs.blob": "hard_drive",
        "voice.livesession": "call",
        "jobs.webhook": "webhook",
        "jobs.delivery": "outgoing_mail",
        "jobs.errand": "pending_actions",
    },
    "Voices": {
        "voice.voice": "record_voice_over",
        "voice.consent": "fact_check",
        "voice.sample": "mic",
        "voice.voicealias": "label",
        "voice.lexicon": "dictionary",
        "voice.lexiconversion": "history_edu",
    },
    "People": {
        "accounts.user": "person",
        "auth.group": "shield_person",
        "accounts.plan": "workspace_premium",
        "accounts.quota": "data_usage",
        "accounts.usage": "receipt_long",
        "accounts.apikey": "key",
        "accounts.signin": "login",
        "accounts.clientsecret": "lock_clock",
        "accounts.replay": "replay",
    },
    "Machines": {
        "jobs.worker": "memory",
        "voice.model": "neurology",
        "voice.modelalias": "label",
        "constance.config": "tune",
    },
    "Audit": {"accounts.auditentry": "history", "admin.logentry": "history"},
}
# an icon for each model, under what is done with it; what is registered and not here stands last
ICONS = {label: icon for icons in GROUPS.values() for label, icon in icons.items()}
REST, REST_ICON = "More", "table_rows"
OUTSIDE = [("The page at /", "/", "graphic_eq"), ("API documentation", "/docs", "menu_book")]
BY_PREFIX = {
    "job": "jobs.job",
    "item": "jobs.item",
    "out": "jobs.output",
    "hook": "jobs.webhook",
    "msg": "jobs.delivery",
    "sess": "voice.livesession",
    "key": "accounts.apikey",
    "sign": "accounts.signin",
}
# what an id says that it names


def navigation(request: HttpRequest) -> list[Entry]:
    seen = visible(request)
    groups = [{"title": "", "items": [_entry("Overview", reverse("admin:index"), "monitoring")]}]
    for title, icons in GROUPS.items():
        items = [_entry(*seen.pop(label), icon) for label, icon in icons.items() if label in seen]
        groups += [{"title": title, "items": items}] if items else []
    rest = [_entry(*each, REST_ICON) for each in seen.values()]
    groups += [{"title": REST, "items": rest}] if rest else []
    # neither is within the admin, so neither is where the reader is
    return [*groups, {"title": "Elsewhere", "items": [{**_entry(*each), "active": False} for each in OUTSIDE]}]


def visible(request: HttpRequest) -> dict[str, tuple[str, str]]:
    """The name and the address of each list that the request's user may see, by its model's label."""
    return {
        model["model"]._meta.label_lower: (str(model["name"])[:1].upper() + str(model["name"])[1:], model["admin_url"])
        for app in admin.site.get_app_list(request)
        for model in app["models"]
        if model.get("admin_url")
    }


def account(request: HttpRequest) -> list[Entry]:
    links = [{"title": "API documentation", "link": "/docs"}]
    if request.user.is_authenticated and request.user.has_usable_password():
        links.append({"title": "Change password", "link": reverse("admin:password_change")})
    return links


def found(request: HttpRequest, term: str) -> list[SearchResult]:
    """What an id leads to, where it is there and may be seen. Names are searched in their lists."""
    label = BY_PREFIX.get(term.partition("_")[0], "")
    if label not in visible(request):
        return []
    desk = next(desk for model, desk in admin.site._registry.items() if model._meta.label_lower == label)
    row = desk.get_queryset(request).filter(pk=term).first()
    if row is None:
        return []
    meta = desk.model._meta
    link = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return [SearchResult(title=row.pk, description=str(meta.verbose_name).capitalize(), link=link, icon=ICONS.get(label, REST_ICON))]


def _entry(title: str, link: str, icon: str) -> Entry:
    return {"title": title, "link": link, "icon": icon}
