"""What each role may do in its partner: one table, for the portal, for the API, and for the documentation.

Permissions have the names of scopes (`core.scopes`), so that a member can hand a key no right that the member lacks.
"""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.scopes import FAMILIES, SCOPES, family


class Role(models.TextChoices):
    """What a person is in one partner."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    DEVELOPER = "developer", _("Developer")
    FINANCE = "finance", _("Finance")
    VIEWER = "viewer", _("Viewer")


EVERYONE = frozenset(Role)
MANAGERS = frozenset({Role.OWNER, Role.ADMIN})
BUILDERS = MANAGERS | {Role.DEVELOPER}
TREASURERS = MANAGERS | {Role.FINANCE}

PERMISSIONS: dict[str, frozenset[Role]] = {
    "partner:read": EVERYONE,
    "partner:write": MANAGERS,
    "partner:own": frozenset({Role.OWNER}),
    "audit:read": MANAGERS,
    "members:read": EVERYONE,
    "members:write": MANAGERS,
    "keys:read": EVERYONE,
    "keys:write": BUILDERS,
    "webhooks:read": EVERYONE,
    "webhooks:write": BUILDERS,
    "usage:read": EVERYONE,
    "usage:write": BUILDERS | TREASURERS,
    "marketplace:read": EVERYONE,
    "marketplace:write": BUILDERS,
    "integrations:read": EVERYONE,
    "integrations:write": BUILDERS,
    "billing:read": TREASURERS,
    "billing:write": TREASURERS,
    "support:read": EVERYONE,
    "support:write": EVERYONE - {Role.VIEWER},
}
FAMILIES.update(map(family, PERMISSIONS))

# What one member can make another; ownership is handed over instead (`members.transfer`).
GIVABLE = tuple(role for role in Role if role != Role.OWNER)

DESCRIPTIONS = {
    Role.OWNER: _("everything; there is one, who can hand the partner over"),
    Role.ADMIN: _("everything, but not handing the partner over"),
    Role.DEVELOPER: _("keys, webhooks, integrations and requests, but no money"),
    Role.FINANCE: _("bills, earnings and payouts, and a look at the rest"),
    Role.VIEWER: _("a look at everything but money and the audit log"),
}

# What the permissions are about that no program can have, which `core.scopes` therefore doesn't describe, in words.
OF_PEOPLE = {
    "partner:own": _("Hand the partner over"),
    "support:read": _("Read support tickets"),
    "support:write": _("Write support tickets"),
    "usage:write": _("Change alerts about usage"),
}


def allows(role: str, permission: str) -> bool:
    """Whether a role has a permission. What the table doesn't name is a product's: all read, builders write."""
    roles = PERMISSIONS.get(permission)
    if roles is None:
        roles = EVERYONE if permission.endswith(":read") else BUILDERS
    return role in roles


def table() -> list[tuple[str, list[bool]]]:
    """Every permission there is, the products' scopes included, with a yes or no for each role in the order of `Role`."""
    names = sorted({*PERMISSIONS, *SCOPES})
    return [(name, [allows(role, name) for role in Role]) for name in names]


def in_words(permission: str) -> str | Promise:
    """What somebody with it may do."""
    return SCOPES[permission].description if permission in SCOPES else OF_PEOPLE.get(permission, permission)
