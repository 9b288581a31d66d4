"""Where one can go, as data. An entry shows only if its address exists in this installation and the member may go there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Label = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """A place: `view` is its URL name, `permission` what a member's role must allow (`partners.roles`), if anything,
    `live` the URL name of a number beside it, which pages fetch again."""

    label: Label
    icon: str
    view: str
    permission: str = ""
    live: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one heading, or under none."""

    id: str
    label: Label
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An entry that this visitor can follow."""

    label: Label
    icon: str
    url: str
    current: bool = False
    live: str = ""


@dataclass(frozen=True, slots=True)
class LinkGroup:
    id: str
    label: Label
    entries: tuple[Link, ...]


PARTNER = (
    Group(
        "start",
        "",
        (
            Entry(_("Overview"), "layout-dashboard", "portal:dashboard"),
            Entry(_("Notifications"), "bell", "partners:notifications", live="partners:notification_count"),
        ),
    ),
    Group(
        "build",
        _("Build"),
        (
            Entry(_("API keys"), "key-round", "apikeys:list"),
            Entry(_("Applications"), "shield-check", "oauth:list"),
            Entry(_("APIs"), "server", "portal:products"),
            Entry(_("Requests"), "send", "portal:requests", "requests:read"),
            Entry(_("Call log"), "list", "usage:requests"),
            Entry(_("Webhooks"), "webhook", "webhooks:list"),
            Entry(_("Usage"), "chart-line", "usage:overview"),
            Entry(_("Limits"), "gauge", "usage:limits"),
            Entry(_("Developers"), "code", "developers:home"),
        ),
    ),
    Group(
        "sell",
        _("Grow"),
        (
            Entry(_("Integrations"), "plug", "marketplace:integrations"),
            Entry(_("Installed"), "box", "marketplace:installations"),
            Entry(_("Billing"), "credit-card", "billing:overview", "billing:read"),
        ),
    ),
    Group(
        "partner",
        _("Organisation"),
        (
            Entry(_("Onboarding"), "rocket", "partners:onboarding"),
            Entry(_("Verification"), "badge-check", "partners:verification"),
            Entry(_("Public profile"), "globe", "partners:profile_edit"),
            Entry(_("Team"), "users", "partners:team"),
            Entry(_("Activity"), "scroll-text", "portal:activity", "audit:read"),
            Entry(_("Plan"), "layers", "partners:plan"),
            Entry(_("Settings"), "settings", "partners:settings"),
        ),
    ),
)

PARTNER_MENU = (Entry(_("All partners"), "building-2", "portal:home"), Entry(_("New partner"), "plus", "partners:create"))

ACCOUNT = (
    Entry(_("E-mail address"), "mail", "account_email"),
    Entry(_("Password"), "lock", "account_change_password"),
    Entry(_("Two-factor sign-in"), "shield-check", "mfa_index"),
    Entry(_("Where you are signed in"), "monitor", "usersessions_list"),
)
OPERATOR = (Entry(_("Operators’ console"), "gauge", "admin:index"), Entry(_("Style guide"), "layers", "portal:styleguide"))

PUBLIC = (
    Entry(_("Marketplace"), "store", "marketplace:home"),
    Entry(_("Partners"), "users", "portal:showcase"),
    Entry(_("Developers"), "code", "developers:home"),
)
FOOTER = (
    Entry(_("API reference"), "book-open", "developers:reference"),
    Entry(_("Terms of service"), "scroll-text", "partners:terms_current"),
    Entry(_("Report a leaked key"), "circle-alert", "apikeys:report_leak"),
)


def find(view: str, **kwargs: str) -> str:
    """The address of a URL name, with these arguments or none of them; empty if there is no such page."""
    for given in (kwargs, {}):
        try:
            return reverse(view, kwargs=given)
        except NoReverseMatch:
            continue
    return ""


def links(entries: Iterable[Entry], request: HttpRequest, may: Callable[[str], bool] = bool, **kwargs: str) -> Iterator[Link]:
    """The entries that lead somewhere; `may` answers for those that need a permission."""
    for entry in entries:
        url = find(entry.view, **kwargs)
        if url and (not entry.permission or may(entry.permission)):
            live = find(entry.live, **kwargs) if entry.live else ""
            yield Link(entry.label, entry.icon, url, request.path == url, live)


def groups(request: HttpRequest, partner: Any, may: Callable[[str], bool]) -> list[LinkGroup]:
    """The sidebar of one partner. The current entry is the one whose address is the longest beginning of the page's."""
    found = [(group, list(links(group.entries, request, may, slug=partner.slug))) for group in PARTNER]
    urls = [link.url for _group, entries in found for link in entries if request.path.startswith(link.url)]
    here = max(urls, key=len, default="")
    return [
        LinkGroup(group.id, group.label, tuple(replace(link, current=link.url == here) for link in entries))
        for group, entries in found
        if entries
    ]
