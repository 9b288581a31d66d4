"""What operators may do: one table of rights, for the console, for operators' API tokens, and for the documentation.

A right stands for permissions of Django's, which admin classes ask for. A role is a group that has the permissions of its rights,
and `sync` keeps it so after each migration; an installation may have groups of its own besides. Rights that are scopes bound what
an operator's token may do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.db import models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What an operator is. A superuser is no group: Django's own flag, and may everything."""

    SUPPORT = "support", _("Support")
    REVIEWER = "reviewer", _("Reviewer")
    FINANCE = "finance", _("Finance")
    SUPERUSER = "superuser", _("Superuser")


DESCRIPTIONS = {
    Role.SUPPORT: _("helps partners, and looks at the portal with their eyes"),
    Role.REVIEWER: _("decides reviews, documents, integrations and requests for another tier"),
    Role.FINANCE: _("prices, invoices, payouts and the ledger"),
    Role.SUPERUSER: _(
        "everything, and alone: operators, tiers, terms, closing and erasing partners, writing in a partner's name"
    ),
}

EVERYONE = frozenset(Role)
SUPPORT = frozenset({Role.SUPPORT, Role.SUPERUSER})
REVIEWER = frozenset({Role.REVIEWER, Role.SUPERUSER})
FINANCE = frozenset({Role.FINANCE, Role.SUPERUSER})
NOBODY_ELSE = frozenset({Role.SUPERUSER})


@dataclass(frozen=True, slots=True)
class Right:
    """A right in words, the roles that have it, and the permissions of Django's that it is made of."""

    text: str | Promise
    roles: frozenset[Role]
    permissions: tuple[str, ...]


def _can(verb: str, *names: str) -> tuple[str, ...]:
    """Django's permissions to do `verb` to the rows of these models."""
    return tuple(f"{app}.{verb}_{model}" for app, model in (name.split(".") for name in names))


PARTNER = ("partners.partner", "partners.company", "partners.apisetup", "partners.member", "partners.invitation")
KEYS = ("apikeys.key", "apikeys.application", "apikeys.consent")
PEOPLE = ("core.user", "account.emailaddress", "mfa.authenticator", "usersessions.usersession")
MARKETPLACE = (
    "marketplace.integration",
    "marketplace.version",
    "marketplace.installation",
    "marketplace.category",
)
PRODUCTS = ("external.product",)
BILLING = ("billing.invoice", "billing.line", "billing.earning", "billing.payout", "billing.price")
LEDGER = ("billing.transaction", "billing.entry", "billing.account")
SETTINGS = (
    "abuse.rule",
    "apikeys.signingkey",
    "partners.tier",
    "partners.terms",
    "requests.requesttype",
    "marketplace.category",
    *PRODUCTS,
)

RIGHTS: dict[str, Right] = {
    "partners:read": Right(
        _("See partners, their teams, their tiers and what terms they accepted"),
        EVERYONE,
        _can("view", *PARTNER, "partners.acceptance", "partners.tier", "partners.terms"),
    ),
    "partners:write": Right(
        _("Create partners, change profile and tier, suspend, reactivate, write to them, invite first owners"),
        SUPPORT,
        (*_can("add", "partners.partner"), *_can("change", "partners.partner", "partners.invitation")),
    ),
    "partners:close": Right(
        _("Close, delete and restore partners, and erase their personal data"), NOBODY_ELSE, _can("delete", "partners.partner")
    ),
    "partners:enter": Right(
        _("Look at the portal as a partner's team does"),
        SUPPORT,
        (*_can("view", "partners.impersonation"), *_can("add", "partners.impersonation")),
    ),
    "partners:act": Right(_("Change things there in the partner's name"), NOBODY_ELSE, _can("change", "partners.impersonation")),
    "reviews:read": Right(
        _("See reviews, documents and requests for another tier"),
        REVIEWER,
        _can("view", "partners.review", "partners.document", "partners.tierrequest"),
    ),
    "reviews:write": Right(
        _("Decide reviews, documents, integrations and requests for another tier"),
        REVIEWER,
        _can("change", "partners.review", "partners.document", "partners.tierrequest", "marketplace.integration"),
    ),
    "keys:read": Right(_("See keys and applications; nobody sees their text"), SUPPORT, _can("view", *KEYS, "apikeys.leak")),
    "keys:write": Right(_("Switch keys and applications off and on, revoke them"), SUPPORT, _can("change", *KEYS)),
    "keys:verify": Right(_("Check partners' keys"), SUPPORT, _can("view", "apikeys.key")),
    "abuse:read": Right(_("See abuse rules and what they found"), SUPPORT, _can("view", "abuse.rule", "abuse.incident")),
    "abuse:write": Right(_("Lift and lock suspensions of keys, mark false alarms"), SUPPORT, _can("change", "abuse.incident")),
    "blocks:write": Right(
        _("Block addresses and networks, and lift blocks"),
        SUPPORT,
        tuple(f"core.{verb}_block" for verb in ("view", "add", "change")),
    ),
    "people:read": Right(_("See people, their addresses, second factors and sessions"), SUPPORT, _can("view", *PEOPLE)),
    "people:write": Right(
        _("Help people who are locked out, and switch them off; operators excepted"), SUPPORT, _can("change", *PEOPLE)
    ),
    "requests:read": Right(_("See partners' requests"), SUPPORT, _can("view", "requests.request", "requests.requesttype")),
    "requests:write": Right(_("Work partners' requests"), SUPPORT, _can("change", "requests.request")),
    "webhooks:read": Right(
        _("See webhook endpoints and deliveries"),
        SUPPORT,
        _can("view", "webhooks.endpoint", "webhooks.delivery", "webhooks.replay", "webhooks.eventtype"),
    ),
    "webhooks:write": Right(
        _("Pause endpoints, one or all of a partner, send deliveries again"),
        SUPPORT,
        _can("change", "webhooks.endpoint", "webhooks.delivery", "webhooks.replay"),
    ),
    "events:write": Right(
        _("Publish events and event types"),
        NOBODY_ELSE,
        (*_can("add", "webhooks.eventtype"), *_can("change", "webhooks.eventtype")),
    ),
    "usage:read": Right(_("See calls and their totals"), SUPPORT | FINANCE, _can("view", "usage.call", "usage.hourrollup")),
    "meters:write": Right(_("Report usage"), NOBODY_ELSE, _can("add", "usage.call")),
    "marketplace:read": Right(
        _("See integrations, who installed them, and API products"), EVERYONE, _can("view", *MARKETPLACE, *PRODUCTS)
    ),
    "billing:read": Right(_("See invoices, prices, earnings, payouts and the ledger"), FINANCE, _can("view", *BILLING, *LEDGER)),
    "billing:write": Right(
        _("Close months, set prices, settle invoices, run and settle payouts"),
        FINANCE,
        (*_can("add", "billing.price"), *_can("change", "billing.price", "billing.invoice", "billing.payout")),
    ),
    "audit:read": Right(_("See and check the audit log"), EVERYONE, _can("view", "core.event")),
    "tokens:write": Right(
        _("Make and revoke API tokens of one's own, for one's own rights"),
        EVERYONE,
        tuple(f"core.{verb}_operatortoken" for verb in ("view", "add", "change")),
    ),
    "settings:write": Right(
        _("Change API products, abuse rules, tiers, terms, types of requests, categories; let signing keys follow"),
        NOBODY_ELSE,
        tuple(name for verb in ("view", "add", "change", "delete") for name in _can(verb, *SETTINGS)),
    ),
}


def has(user: Any, right: str) -> bool:
    """Whether an operator has a right: each of its permissions, by a role, by another group, or as a superuser."""
    return bool(user.is_active and user.is_staff and user.has_perms(RIGHTS[right].permissions))


def permissions_of(role: Role) -> set[str]:
    """What a role's group has."""
    return {name for right in RIGHTS.values() if role in right.roles for name in right.permissions}


def table() -> list[tuple[str, Right, list[bool]]]:
    """Every right, with a yes or no for each role in the order of `Role`."""
    return [(name, right, [role in right.roles for role in Role]) for name, right in RIGHTS.items()]


@transaction.atomic
def sync(**kwargs: Any) -> None:
    """Let the groups of the roles have exactly the permissions of the table. May be done again at any time."""
    from django.contrib.auth.models import Group

    named = {name for right in RIGHTS.values() for name in right.permissions}
    for label in sorted({name.split(".")[0] for name in named}):
        create_permissions(apps.get_app_config(label), verbosity=0)
    for role in Role:
        if role != Role.SUPERUSER:
            group, _made = Group.objects.get_or_create(name=role.value)
            group.permissions.set(_found(permissions_of(role)))


def _found(names: Iterable[str]) -> Any:
    from django.contrib.auth.models import Permission

    wanted = set(names)
    labelled = Permission.objects.annotate(label=Concat("content_type__app_label", Value("."), "codename"))
    found = labelled.filter(Q(label__in=wanted))
    if missing := wanted - {row.label for row in found}:
        raise LookupError(f"no such permissions: {', '.join(sorted(missing))}")
    return found
