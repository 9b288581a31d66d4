"""The texts in which an operator says what may be called, by whom, and what else the upstream is told: one thing a line.

Each reader returns what it found and, for whoever wrote it, a sentence for each line that says nothing.
"""

import re
from collections.abc import Collection, Iterator, Mapping

from django.utils.translation import gettext as _

from core.scopes import Scope
from core.upstreams import Operation

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
MOST_LINES = 200
LONGEST_SCOPE = 64
LONGEST_PATH = 140
"""Letters: usage keeps the first 200 of an operation's name."""
HIDDEN = "••••••"
"""Stands for a value that is kept and not shown."""

_SEGMENT = re.compile(r"\{[a-z_]+\}|[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_REST = "{path...}"
_HEADER = re.compile(r"([!#$%&'*+.^`|~0-9A-Za-z-]{1,100}):[ \t]*([\x21-\x7e][\x20-\x7e]*)")
# What is the gateway's to say, or belongs to a single connection (RFC 9110, section 7.6.1).
_OURS = re.compile(
    r"host|connection|keep-alive|proxy-.*|content-length|content-type|transfer-encoding|upgrade|te|trailer|expect|forwarded"
    r"|x-forwarded-.*|x-request-id|x-partner-id|x-key-id|x-scopes|(x-)?portico-.*|idempotency-key|cookie|sec-websocket-.*",
    re.IGNORECASE,
)


def scopes(text: str, slug: str) -> tuple[list[Scope], list[str]]:
    """`orders:read See your orders`: a name that begins with the product's slug, and what it allows in words."""
    found: dict[str, Scope] = {}
    mistakes = []
    for number, line in _lines(text):
        name, _blank, description = line.partition(" ")
        if not re.fullmatch(rf"{re.escape(slug)}:[a-z][a-z0-9_-]*", name) or not description.strip():
            said = _("Line {number}: write “{slug}:read”, or another word after the colon, a blank, and what it allows.")
            mistakes.append(said.format(number=number, slug=slug))
        elif len(name) > LONGEST_SCOPE:
            mistakes.append(_("Line {number}: a name has at most {most} letters.").format(number=number, most=LONGEST_SCOPE))
        elif name in found:
            mistakes.append(_("Line {number}: {name} stands above already.").format(number=number, name=name))
        else:
            found[name] = Scope(name, description.strip())
    return list(found.values()), mistakes + _too_many(text)


def operations(text: str, declared: Collection[str]) -> tuple[list[Operation], list[str]]:
    """`GET /orders/{id} orders:read`: methods with commas between them, or `*`; a path below the product's, in which `{name}` is
    one segment and `{path...}` at the end any rest; the `declared` scopes that it takes, all of them. GET is HEAD, too."""
    found, mistakes = [], []
    for number, line in _lines(text):
        methods, path, *wanted = line.split() if " " in line else (line, "")
        mistake = _methods_mistake(methods) or _path_mistake(path) or _scopes_mistake(wanted, declared)
        if mistake:
            mistakes.append(_("Line {number}: {mistake}").format(number=number, mistake=mistake))
        else:
            found.append(Operation(path, _methods(methods), pattern(path), tuple(wanted)))
    return found, mistakes + _too_many(text)


def headers(text: str, kept: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """`X-Api-Key: value`, by name; HIDDEN as a value means the one that is `kept` under the name."""
    found: dict[str, str] = {}
    mistakes = []
    known = {name.lower(): value for name, value in kept.items()}
    for number, line in _lines(text):
        name, _colon, value = line.partition(":")
        if value.strip() == HIDDEN:
            line = f"{name}: {known.get(name.strip().lower(), HIDDEN)}"
        match = _HEADER.fullmatch(line)
        if match is None:
            mistakes.append(_("Line {number}: write “Name: value”, in plain letters.").format(number=number))
        elif _OURS.fullmatch(match[1]):
            mistakes.append(_("Line {number}: {name} is the gateway’s to say.").format(number=number, name=match[1]))
        elif match[1].lower() in {each.lower() for each in found}:
            mistakes.append(_("Line {number}: {name} stands above already.").format(number=number, name=match[1]))
        else:
            found[match[1]] = match[2].rstrip()
    return found, mistakes + _too_many(text)


def spelled(found: Mapping[str, str]) -> str:
    """Headers as they are kept."""
    return "".join(f"{name}: {value}\n" for name, value in found.items())


def pattern(path: str) -> re.Pattern[str]:
    """What matches the whole path below the product's, with or without a slash at its end, as most servers see it."""
    *segments, last = path[1:].split("/")
    made = "".join(map(_segment, segments))
    if last == _REST:
        return re.compile(rf"{made}(?:/.*)?", re.DOTALL)
    return re.compile(rf"{made}{_segment(last)}/?" if last else rf"{made}/?")


def _segment(segment: str) -> str:
    return "/[^/]+" if segment.startswith("{") else f"/{re.escape(segment)}"


def _methods(text: str) -> frozenset[str]:
    named = set(METHODS if text == "*" else text.split(","))
    return frozenset(named | {"HEAD"} if "GET" in named else named)


def _methods_mistake(text: str) -> str:
    if text == "*" or set(text.split(",")) <= set(METHODS):
        return ""
    return _("{text} is no method. Write GET, or several as GET,POST, or * for all.").format(text=text)


def _path_mistake(path: str) -> str:
    if not path.startswith("/"):
        return _("After the methods comes a path, such as /orders/{id}.")
    if len(path) > LONGEST_PATH:
        return _("A path has at most {most} letters.").format(most=LONGEST_PATH)
    segments = path[1:].split("/")
    if segments[-1] in {_REST, ""}:
        segments.pop()
    wrong = next((each for each in segments if not _SEGMENT.fullmatch(each)), None)
    if wrong is None:
        return ""
    return _("“{segment}” is no part of a path: use letters and digits, {{name}}, or {{path...}} at the end.").format(
        segment=wrong
    )


def _scopes_mistake(wanted: list[str], declared: Collection[str]) -> str:
    strange = [name for name in wanted if name not in declared]
    return _("{names} is not among the scopes.").format(names=", ".join(strange)) if strange else ""


def _lines(text: str) -> Iterator[tuple[int, str]]:
    return ((number, line.strip()) for number, line in enumerate(text.splitlines()[:MOST_LINES], 1) if line.strip())


def _too_many(text: str) -> list[str]:
    return [_("At most {most} lines.").format(most=MOST_LINES)] if len(text.splitlines()) > MOST_LINES else []
