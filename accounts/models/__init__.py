"""Who calls, what they may use and what they used."""

from accounts.models.audit import AuditEntry, Deed
from accounts.models.ledger import Usage, UsageDay
from accounts.models.people import ApiKey, Owned, Scope, SignIn, User
from accounts.models.plans import Limits, Override, Plan, Quota, Span
from accounts.models.removal import Removal, RemovalState
from accounts.models.replays import Replay
from accounts.models.secrets import ClientSecret

__all__ = [
    "ApiKey",
    "AuditEntry",
    "ClientSecret",
    "Deed",
    "Limits",
    "Override",
    "Owned",
    "Plan",
    "Quota",
    "Removal",
    "RemovalState",
    "Replay",
    "Scope",
    "SignIn",
    "Span",
    "Usage",
    "UsageDay",
    "User",
]
