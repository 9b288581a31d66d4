"""Which operator may open what in the console: asked of the admin classes themselves, for the docs and for the tests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from core import roles
from core.roles import DESCRIPTIONS, Role

VERBS = {"view": "see", "add": "add", "change": "change", "delete": "delete"}


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has these permissions, or all of them; as much of a user as admin classes look at."""

    permissions: frozenset[str]
    is_superuser: bool
    is_active: bool = True
    is_staff: bool = True
    pk: None = None

    def has_perm(self, name: str, obj: Any = None) -> bool:
        return self.is_superuser or name in self.permissions

    def has_perms(self, names: Iterable[str]) -> bool:
        return all(map(self.has_perm, names))

    def has_module_perms(self, app: str) -> bool:
        return self.is_superuser or any(name.startswith(f"{app}.") for name in self.permissions)


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """The list of one model with its forms: what each role may do there, and which roles may do each deed."""

    model: str
    path: str
    may: dict[Role, frozenset[str]]
    deeds: dict[str, frozenset[Role]]


def pages() -> list[ConsolePage]:
    """Every list of the console, by path."""
    return sorted((_page(model, console) for model, console in admin.site._registry.items()), key=lambda page: page.path)


def request_of(role: Role) -> Any:
    """A request by somebody in this role."""
    request: Any = HttpRequest()
    request.user = Holder(frozenset(roles.permissions_of(role)), role == Role.SUPERUSER)
    return request


def _page(model: Any, console: Any) -> ConsolePage:
    asked = {role: request_of(role) for role in Role}
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return ConsolePage(
        model=model._meta.label_lower,
        path=path,
        may={
            role: frozenset(verb for verb in VERBS if getattr(console, f"has_{verb}_permission")(request))
            for role, request in asked.items()
        },
        deeds={
            name: frozenset(
                role
                for role, request in asked.items()
                if all(getattr(console, f"has_{each}_permission")(request) for each in getattr(act, "allowed_permissions", []))
            )
            for name, act in _deeds(console)
        },
    )


def _deeds(console: Any) -> Iterator[tuple[str, Any]]:
    for name in (*(console.actions or ()), *getattr(console, "actions_detail", ()), *getattr(console, "actions_list", ())):
        yield name, getattr(console, name) if isinstance(name, str) else name


def markdown() -> list[str]:
    """What `docs/permissions.md` says about operators."""
    names = [str(role.label) for role in Role]
    found = pages()
    return [
        "## Operators",
        "Superusers give roles in the console, under People. A role is a group of that name, which each `migrate` brings back to"
        " what stands in `core/roles.py`; for other mixtures make groups of your own. An operator's API token may do what its"
        " scopes and its operator's rights both allow.",
        "\n".join(f"- **{role.label}**: {text}" for role, text in DESCRIPTIONS.items()),
        table(
            ["right", "", *names],
            [[f"`{name}`", str(right.text), *("yes" if may else "–" for may in row)] for name, right, row in roles.table()],
        ),
        "## Pages of the console",
        "Whoever may not see a list gets 403 for it and for its rows.",
        table(
            ["list", *names],
            [
                [
                    f"`{page.path}`",
                    *(", ".join(word for verb, word in VERBS.items() if verb in page.may[role]) or "–" for role in Role),
                ]
                for page in found
            ],
        ),
        "What is done there besides by a button or to chosen rows:",
        table(
            ["list", "deed", *names],
            [
                [f"`{page.path}`", f"`{deed}`", *("yes" if role in who else "–" for role in Role)]
                for page in found
                for deed, who in page.deeds.items()
            ],
        ),
    ]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
