"""The three roles of staff: what each may do in the admin, written into groups of Django's after every migration."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from accounts.roles import Role

OPERATED = (
    ("jobs", "change_job"),  # cancel, retry, move forward, by another voice
    ("jobs", "change_item"),
    ("jobs", "change_failure"),
    ("jobs", "change_output"),  # legal holds
    ("jobs", "change_webhook"),
    ("jobs", "change_delivery"),
    ("voice", "change_consent"),
    ("voice", "change_voice"),
    ("voice", "change_model"),
    ("voice", "change_livesession"),
    ("accounts", "change_apikey"),  # revoke one: it must not wait for an administrator
    ("accounts", "change_signin"),
)


def write_roles(**_signal: Any) -> None:
    """Give each role what this version says, and nothing else.

    The roles are the product's: an action that is new is somebody's at once, and what was given to one by hand is taken back. Whoever
    wants another mixture makes a group of another name, which is left alone.
    """
    seen = Q(codename__startswith="view_")
    operated = seen
    for app, codename in OPERATED:
        operated |= Q(content_type__app_label=app, codename=codename)
    for role, rights in ((Role.VIEWER, seen), (Role.OPERATOR, operated), (Role.ADMINISTRATOR, Q())):
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.set(Permission.objects.filter(rights).order_by())
