"""The registry of scopes: what a partner's credential may be allowed to do. Declared in code by apps, as rows by products."""

from collections.abc import Callable, Iterable, Mapping
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
"""Those that code declares."""
FAMILIES: set[str] = set()
"""What stands before the colon of rights that are the platform's own: nobody else's scopes begin so."""
SOURCES: list[Callable[[], Iterable[Scope]]] = []


def register(*scopes: Scope, group: str | Promise) -> None:
    """Make scopes known, under what they are about; from an app's `ready`."""
    SCOPES.update({scope.name: replace(scope, group=group) for scope in scopes})
    FAMILIES.update(family(scope.name) for scope in scopes)


def family(name: str) -> str:
    """What stands before the colon."""
    return name.partition(":")[0]


def add_source(source: Callable[[], Iterable[Scope]]) -> None:
    """Let scopes be found elsewhere too, which may change at any time; from an app's `ready`."""
    if source not in SOURCES:
        SOURCES.append(source)


def known() -> Mapping[str, Scope]:
    """Every scope there is now."""
    return {**{scope.name: scope for source in SOURCES for scope in source()}, **SCOPES}


def find(names: Iterable[str]) -> dict[str, Scope]:
    """The scopes of these names; `*` and what nobody declared are left out."""
    wanted = set(names) - {"*"}
    scopes = SCOPES if wanted <= SCOPES.keys() else known()
    return {name: scopes[name] for name in sorted(wanted) if name in scopes}


def grouped(names: Iterable[str]) -> list[tuple[str, list[Scope]]]:
    """The scopes of these names by group, both in the order of their letters; `*` and what nobody declared are left out."""
    groups: dict[str, list[Scope]] = {}
    for scope in find(names).values():
        groups.setdefault(str(scope.group), []).append(scope)
    return sorted(groups.items())


def unknown(names: list[str]) -> list[str]:
    """Those that nobody declared; `*` stands for all and is known."""
    return sorted(set(names) - find(names).keys() - {"*"})


def delegable(names: list[str]) -> list[str]:
    """Those that another partner's application may be given."""
    return [name for name, scope in find(names).items() if scope.delegable]
