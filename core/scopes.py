"""The registry of scopes: what a partner's credential may be allowed to do. Apps and products declare theirs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Scope:
    """A right by name, in plain words for consent pages and forms; `group` names what it is about: an app, a product. One that
    isn't `delegable` is never given to another partner's application: what is done with it would outlive the consent."""

    name: str
    description: str | Promise
    group: str | Promise = ""
    delegable: bool = True


SCOPES: dict[str, Scope] = {}


def register(*scopes: Scope, group: str | Promise) -> None:
    """Make scopes known, under what they are about; from an app's `ready`."""
    SCOPES.update({scope.name: replace(scope, group=group) for scope in scopes})


def grouped(names: Iterable[str]) -> list[tuple[str, list[Scope]]]:
    """The scopes of these names by group, both in the order of their letters; `*` and what nobody declared are left out."""
    groups: dict[str, list[Scope]] = {}
    for scope in sorted((SCOPES[name] for name in names if name in SCOPES), key=lambda scope: scope.name):
        groups.setdefault(str(scope.group), []).append(scope)
    return sorted(groups.items())


def unknown(names: list[str]) -> list[str]:
    """Those that nobody declared; `*` stands for all and is known."""
    return sorted(set(names) - SCOPES.keys() - {"*"})


def delegable(names: list[str]) -> list[str]:
    """Those that another partner's application may be given."""
    return sorted(name for name in set(names) if name in SCOPES and SCOPES[name].delegable)
