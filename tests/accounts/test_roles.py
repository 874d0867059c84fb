"""What each role of staff may do, held against whatever is registered in the admin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import User
from accounts.roles import Role

FOR_GOOD = ("delete_selected", "forget", "purge")
# how the names of actions begin that only administrators have, for they take something away for good
ADMINISTERED = ("accounts_user.", "accounts_plan.", "accounts_override.", "auth_group.")
# of these they have every action
SEEING = ()
# actions that change nothing, "jobs_job.name"


@pytest.fixture
def staff_as(db: None) -> Callable[[Role], User]:
    def make(role: Role) -> User:
        user = User.objects.create_user(f"a {role}", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        return user

    return make


def actions() -> Iterator[Any]:
    """Every action of every list and row, and whether it is one of Django's or a button."""
    desk: Any
    for model, desk in admin.site._registry.items():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        for action in desk._get_base_actions():
            yield pytest.param(desk, action[1], False, id=f"{name}.{action[1]}")
        buttons = ("_get_base_actions_list", "_get_base_actions_row", "_get_base_actions_detail", "_get_base_actions_submit_line")
        for button in {each.action_name for kind in buttons for each in getattr(desk, kind, list)()}:
            yield pytest.param(desk, button.removeprefix(f"{name}_"), True, id=f"{name}.{button.removeprefix(f'{name}_')} as a button")


def allowed(desk: Any, action: str, button: bool, user: User) -> bool:
    """Whether the admin lets somebody do it: a list by offering it, for what it does not offer it refuses; a button by being asked."""
    name = f"{desk.model._meta.app_label}_{desk.model._meta.model_name}"
    if not button:
        request = RequestFactory().get("/")
        request.user = user
        return action in desk.get_actions(request)
    client = Client()
    client.force_login(user)
    url = f"admin:{name}_{action}"
    own = any(each.action_name == f"{name}_{action}" for each in desk._get_base_actions_list())
    return client.get(reverse(url, args=[] if own else ["none"])).status_code != 403


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(("desk", "action", "button"), [*actions()])
def test_each_action_is_for_the_roles_that_it_is_for(staff_as, role, desk, action, button):
    name = f"{desk.model._meta.app_label}_{desk.model._meta.model_name}.{action}"
    reserved = action.startswith(FOR_GOOD) or name.startswith(ADMINISTERED)
    for_it = {Role.ADMINISTRATOR} | (set() if reserved else {Role.OPERATOR}) | ({Role.VIEWER} if name in SEEING else set())
    unless_refused_to_all = not allowed(desk, action, button, User.objects.create_superuser("root"))

    assert allowed(desk, action, button, staff_as(role)) == (role in for_it and not unless_refused_to_all)


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model.__name__)
def test_viewers_see_every_list_and_change_nothing(staff_as, model):
    desk = admin.site._registry[model]
    client = Client()
    viewer = staff_as(Role.VIEWER)
    client.force_login(viewer)
    request = RequestFactory().get("/")
    request.user = viewer

    listed = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))

    assert listed.status_code == 200
    assert not any(may(request) for may in (desk.has_add_permission, desk.has_change_permission, desk.has_delete_permission))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
@pytest.mark.parametrize("model", ["accounts.user", "accounts.plan", "auth.group", "voice.voicealias"])
def test_who_may_use_how_much_is_for_administrators(staff_as, role, model):
    app, name = model.split(".")

    user = staff_as(role)

    assert not any(user.has_perm(f"{app}.{verb}_{name}") for verb in ("add", "change", "delete"))


def test_a_role_is_again_as_the_product_says_after_a_migration_and_other_groups_are_left_alone(db):
    viewer, own = Group.objects.get(name=Role.VIEWER), Group.objects.create(name="our own")
    right = Permission.objects.get(codename="delete_output")
    viewer.permissions.add(right)
    own.permissions.add(right)

    call_command("migrate", verbosity=0)

    assert not viewer.permissions.filter(pk=right.pk).exists()
    assert list(own.permissions.all()) == [right]


def test_the_roles_of_the_product_are_not_changed_by_hand(staff_as, client):
    client.force_login(staff_as(Role.ADMINISTRATOR))

    role = client.post(reverse("admin:auth_group_change", args=[Group.objects.get(name=Role.VIEWER).pk]), {"name": "mine"})
    own = client.post(reverse("admin:auth_group_change", args=[Group.objects.create(name="our own").pk]), {"name": "mine"})

    assert (role.status_code, own.status_code) == (403, 302)
