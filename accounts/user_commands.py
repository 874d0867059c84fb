"""The verbs of `manage.py users`. The end of an account concerns every room, and is said in the uppermost one."""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.models import Deed, Plan, Removal, User
from accounts.terminal import Row, VerbCommand, listing, number, person, verb

PASSWORD_BYTES = 15
MOST_SHOWN = 100
COLUMNS = ("name", "email", "plan", "state", "role", "joined", "last_sign_in")


class UserCommand(VerbCommand):
    help = "The people who use the service."
    examples: tuple[str, ...] = (
        "create anna --plan pro",
        "create ops --staff --stdin < password.txt",
        "list --blocked --json",
        "plan anna --none",
        "block anna",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        self.verbs = verbs = parser.add_subparsers(dest="verb", required=True)
        shown = listing(verbs, "list", self._list, "the users, newest first")
        shown.add_argument("--blocked", action="store_true", help="only those that are blocked")
        shown.add_argument("--staff", action="store_true", help="only those that may enter the admin")
        shown.add_argument("--plan", help="only those of this plan")
        shown.add_argument("--limit", type=number, default=MOST_SHOWN, help=f"default {MOST_SHOWN}")
        create = verb(verbs, "create", self._create, "make a user; without --stdin the password is made too, and shown once")
        create.add_argument("name")
        create.add_argument("--email", default="")
        create.add_argument("--plan", help="default: whichever is the default plan")
        create.add_argument("--staff", action="store_true", help="may enter the admin")
        create.add_argument("--superuser", action="store_true", help="may do everything there")
        create.add_argument("--stdin", action="store_true", help="read the password from standard input, its first line")
        password = verb(verbs, "password", self._password, "change a password; all that was signed in with the old one ends")
        password.add_argument("name")
        how = password.add_mutually_exclusive_group()
        how.add_argument("--stdin", action="store_true", help="read it from standard input, its first line")
        how.add_argument("--generate", action="store_true", help="make one, and show it once")
        for name, act, purpose in (
            ("block", self._block, "end everything that somebody has open, and let him in no more"),
            ("unblock", self._unblock, "let somebody in again; his keys work as before"),
        ):
            verb(verbs, name, act, purpose).add_argument("name")
        plan = verb(verbs, "plan", self._plan, "put somebody on a plan")
        plan.add_argument("name")
        wanted = plan.add_mutually_exclusive_group(required=True)
        wanted.add_argument("plan", nargs="?")
        wanted.add_argument("--none", action="store_true", help="whichever is the default plan")

    def _list(self, *, blocked: bool, staff: bool, plan: str | None, limit: int, as_json: bool, **_options: Any) -> None:
        people = User.objects.select_related("plan").order_by("-date_joined", "username")
        if blocked:
            people = people.filter(is_active=False)
        if staff:
            people = people.filter(is_staff=True)
        if plan is not None:
            people = people.filter(plan=_plan(plan))
        self.show((_row(user) for user in people[:limit]), columns=COLUMNS, as_json=as_json)

    def _create(self, *, name: str, email: str, plan: str | None, staff: bool, superuser: bool, stdin: bool, **_options: Any) -> None:
        user = User(username=name, email=email, is_staff=staff or superuser, is_superuser=superuser, plan=_plan(plan) if plan else None)
        password = _read() if stdin else secrets.token_urlsafe(PASSWORD_BYTES)
        try:
            user.clean_fields(exclude=["password"])
            user.validate_unique()
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user.set_password(password)
        user.save(force_insert=True)
        self.note(Deed.ADDED, [user])
        self.say(f"{name} is made." if stdin else f"{name} is made. The password, shown once: {password}")

    def _password(self, *, name: str, stdin: bool, generate: bool, **_options: Any) -> None:
        user = person(name)
        password = secrets.token_urlsafe(PASSWORD_BYTES) if generate else _read() if stdin else _asked()
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        user.set_password(password)
        user.save(update_fields=["password", "password_generation"])
        self.note(Deed.CHANGED, [user], "another password")
        self.say(f"{name} has another password{f', shown once: {password}' if generate else '.'}")

    def _block(self, *, name: str, **_options: Any) -> None:
        self._let_in(name, allowed=False)

    def _unblock(self, *, name: str, **_options: Any) -> None:
        self._let_in(name, allowed=True)

    def _let_in(self, name: str, *, allowed: bool) -> None:
        user = person(name)
        if allowed and Removal.objects.in_force().filter(owner=user).exists():
            raise CommandError(f"{name}: the account is deleted, or about to be. Nobody is let into it any more.")
        changed = User.objects.filter(pk=user.pk).exclude(is_active=allowed).update(is_active=allowed)
        state = "let in again" if allowed else "blocked"
        if changed:
            self.note(Deed.CHANGED, [user], "unblocked" if allowed else "blocked")
        self.say(f"{name} is {state}." if changed else f"{name} was {state} before.")

    def _plan(self, *, name: str, plan: str | None, none: bool, **_options: Any) -> None:
        user = person(name)
        user.plan = None if none or plan is None else _plan(plan)
        user.save(update_fields=["plan"])
        self.note(Deed.CHANGED, [user], f"put on the plan {user.plan}" if user.plan else "put on the default plan")
        self.say(f"{name} has the plan {user.plan}." if user.plan else f"{name} has the default plan.")


def _row(user: User) -> Row:
    return {
        "id": str(user.pk),
        "name": user.username,
        "email": user.email,
        "plan": user.plan.name if user.plan else None,
        "state": "active" if user.is_active else "blocked",
        "role": "superuser" if user.is_superuser else "staff" if user.is_staff else "user",
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
    }


def _plan(name: str) -> Plan:
    found = Plan.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Plan.objects.values_list("name", flat=True)) or "none; staff make them in the admin"
        raise CommandError(f"There is no plan '{name}'. There are: {known}.")
    return found


def _read() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _asked() -> str:
    if not sys.stdin.isatty():
        raise CommandError("Nobody is here to be asked for the password: use --stdin or --generate.")
    password = getpass("Password: ")
    if password != getpass("Once more: "):
        raise CommandError("These are two different passwords. Nothing was changed.")
    return password
