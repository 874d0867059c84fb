from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The groups of staff that come with the product. What each may do stands in `config.roles`."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
