"""Who may open which page and call which operation: read from the pages and views themselves, for the docs and for the tests.

A page of a partner says by `partner_page` which permission it wants; any other page stands in AUDIENCES, by its URL name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from core.api import operations
from core.api.views import ApiView
from partners import permissions
from partners.permissions import DESCRIPTIONS, Role
from portal import console_access
from portal.console_access import table


class Audience(StrEnum):
    """Whom a page is for that isn't a partner's."""

    EVERYBODY = "everybody"
    PERSON = "whoever is signed in"
    OPERATOR = "operators"


AUDIENCES = {
    "apikeys:report_leak": Audience.EVERYBODY,
    "developers:asyncapi": Audience.EVERYBODY,
    "developers:error": Audience.EVERYBODY,
    "developers:errors": Audience.EVERYBODY,
    "developers:event": Audience.EVERYBODY,
    "developers:events": Audience.EVERYBODY,
    "developers:guide": Audience.EVERYBODY,
    "developers:home": Audience.EVERYBODY,
    "developers:oauth": Audience.EVERYBODY,
    "developers:reference": Audience.EVERYBODY,
    "developers:schema": Audience.EVERYBODY,
    "marketplace:home": Audience.EVERYBODY,
    "marketplace:integration": Audience.EVERYBODY,
    "oauth:authorize": Audience.PERSON,
    "partners:create": Audience.PERSON,
    "partners:entrance": Audience.EVERYBODY,
    "partners:impersonation_act": Audience.OPERATOR,
    "partners:impersonation_end": Audience.OPERATOR,
    "partners:join": Audience.EVERYBODY,
    "partners:logo": Audience.EVERYBODY,
    "partners:terms_current": Audience.EVERYBODY,
    "partners:terms_version": Audience.EVERYBODY,
    "portal:home": Audience.PERSON,
    "portal:landing": Audience.EVERYBODY,
    "portal:profile": Audience.EVERYBODY,
    "portal:robots": Audience.EVERYBODY,
    "portal:showcase": Audience.EVERYBODY,
    "portal:sitemap": Audience.EVERYBODY,
    "portal:sitemaps": Audience.EVERYBODY,
    "portal:styleguide": Audience.OPERATOR,
    "portal:theme": Audience.EVERYBODY,
    "webhooks:hook": Audience.EVERYBODY,
}

# Not pages of the portal: the console has its own sign-in and roles, allauth its own pages, and machines ask the rest.
ELSEWHERE = ("admin/", "accounts/", "demo/", "healthz", "readyz", "metrics")

# A parameter of a route, such as `<str:name>`.
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its URL name and path, and whom it is for. A partner's page has the permissions that seeing it and posting
    to it want; any other has an audience. None of them, if nobody has said it yet. A hidden one is 404 to all others."""

    name: str
    path: str
    permission: str = ""
    post: str = ""
    audience: Audience | None = None
    hidden: bool = False


def pages() -> list[Page]:
    """Every page of the portal, by path."""
    return sorted(_pages(get_resolver().url_patterns, "", ""), key=lambda page: page.path)


def _pages(patterns: list[Any], prefix: str, namespace: str) -> Iterator[Page]:
    for entry in patterns:
        path = prefix + str(entry.pattern)
        if path.startswith(ELSEWHERE):
            continue
        if isinstance(entry, URLResolver):
            inner = f"{entry.namespace}:" if entry.namespace else namespace
            yield from _pages(entry.url_patterns, path, inner)
        elif isinstance(entry, URLPattern) and not issubclass(getattr(entry.callback, "cls", object), ApiView):
            name = namespace + (entry.name or path)
            hidden = getattr(entry.callback, "hidden", False)
            permission, post = (getattr(entry.callback, part, "") for part in ("permission", "post"))
            yield Page(name, "/" + _PARAMETER.sub(r"{\1}", path), permission, post, AUDIENCES.get(name), hidden)


def markdown() -> str:
    """The whole table, as it stands in `docs/permissions.md`."""
    roles = [str(role.label) for role in Role]
    partner = [page for page in pages() if page.permission]
    other = [page for page in pages() if not page.permission]
    parts = [
        "# Who may what",
        "Made by `make docs` from `partners/permissions.py`, the pages and the API's views; a test compares them. Don't edit it.",
        "A person has one role in a partner. A program has its key's scopes, never more than its maker's role allows.",
        "## Roles",
        "\n".join(f"- **{role.label}**: {text}" for role, text in DESCRIPTIONS.items()),
        "## Permissions",
        table(
            ["permission", *roles],
            [[f"`{name}`", *("yes" if may else "–" for may in row)] for name, row in permissions.table()],
        ),
        "## Pages of a partner",
        "Members whose role lacks the permission get 403, strangers 404, and whoever isn't signed in is asked to."
        " All of them get 404 of pages that are marked as hidden.",
        table(
            ["page", "to see it", "to change something"],
            [[f"`{page.path}`{' (hidden)' * page.hidden}", f"`{page.permission}`", f"`{page.post}`"] for page in partner],
        ),
        "## Other pages",
        table(["page", "for"], [[f"`{page.path}`", str(page.audience or "")] for page in other]),
        "## API",
        "A call without the scope gets 403, one without a credential 401. Another partner's objects are 404; so are operators'"
        " operations to a partner, and partners' to an operator.",
        table(
            ["operation", "for", "scope"],
            [
                [f"`{each.name}`", each.audience, f"`{each.scope}`" if each.scope else "–"]
                for each in sorted(operations.operations(), key=lambda each: (each.path, each.method))
            ],
        ),
    ]
    return "\n\n".join([*parts, *console_access.markdown()]) + "\n"
