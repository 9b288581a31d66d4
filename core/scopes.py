"""The registry of scopes: what a partner's credential may be allowed to do. Apps and products declare theirs."""

from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Scope:
    """A right by name, in plain words for consent pages and forms."""

    name: str
    description: str | Promise


SCOPES: dict[str, Scope] = {}


def register(*scopes: Scope) -> None:
    """Make scopes known; from an app's `ready`."""
    SCOPES.update({scope.name: scope for scope in scopes})


def unknown(names: list[str]) -> list[str]:
    """Those that nobody declared; `*` stands for all and is known."""
    return sorted(set(names) - SCOPES.keys() - {"*"})
