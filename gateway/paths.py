"""Which of several spellings of a path is meant, decided before anything looks at it.

A path that two programs could read differently (`//api`, `/%61pi`, `/a/../b`, `\\`, encoded slashes and dots) is refused, so
that no rule in front of an operation can be walked around. The short forms of our own API are mapped to the one
canonical form that Django's URL table and the signed identity use.
"""

import re
from functools import lru_cache
from urllib.parse import unquote

from django.utils.translation import gettext_lazy as _

from core.problems import MalformedRequest

# Empty and dot segments (with parameters too: some servers drop what follows a `;`); controls, blanks and backslashes; escapes
# of what needs none, of controls, and of slashes.
_AMBIGUOUS = re.compile(
    rb"//|/\.\.?(?:/|;|%3b|\Z)|[\x00-\x20\x7f\\]|%(?:[01][0-9a-f]|2[def]|3[0-9]|4[1-9a-f]|5[0-9acf]|6[1-9a-f]|7[0-9aef])|%25[0-9a-f]{2}|%(?![0-9a-f]{2})",
    re.IGNORECASE,
)
# What most paths are: segments of unreserved characters (RFC 3986, section 2.3) that don't begin with a dot.
_PLAIN = re.compile(rb"/|(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?")
# What stands in no target by RFC 3986, and what not every server takes there.
_UNESCAPED = re.compile(rb"[^!#-;=?-_a-~]")
_VERSIONED = re.compile(r"v\d+(?:/|\Z)")

LONGEST = 8_192
LONGEST_KEPT = 200
"""Bytes of the longest path whose reading is remembered."""


class AmbiguousPath(MalformedRequest):
    """Answered to every path that isn't in its plain form."""

    detail = _("The path has more than one reading. Send it in its plain form: no empty or dot segments, no needless escapes.")


def read(method: str, raw: bytes) -> str:
    """The decoded path of a request target, in the form that Django's URL table has. Raises AmbiguousPath."""
    return _kept(method, raw) if len(raw) <= LONGEST_KEPT else canonical(method, plain(raw))


@lru_cache(maxsize=4_096)
def _kept(method: str, raw: bytes) -> str:
    return canonical(method, plain(raw))


def plain(raw: bytes) -> str:
    """The decoded path of a request target. Raises AmbiguousPath."""
    if len(raw) <= LONGEST and _PLAIN.fullmatch(raw):
        return raw.decode("ascii")
    if not raw.startswith(b"/") or len(raw) > LONGEST or _AMBIGUOUS.search(raw):
        raise AmbiguousPath()
    if b"%" not in raw and raw.isascii():
        return raw.decode("ascii")
    try:
        return unquote(raw, errors="strict")
    except UnicodeDecodeError as error:
        raise AmbiguousPath() from error


def canonical(method: str, path: str) -> str:
    """The form of an API path that Django's URL table has; other paths as they are."""
    if path.startswith("/api/"):
        path = path.rstrip("/") if path.endswith("/") else path
        if path.startswith("/api/partner/"):
            return _with_version("/api/partner/", path)
        if path.startswith("/api/operator/"):
            return _with_version("/api/operator/", path)
        if path == "/api/requests" or path.startswith("/api/requests/"):
            return f"/api/partner/v1{path[4:]}"
    elif method == "POST" and path.rstrip("/") == "/admin/partners":
        return "/api/operator/v1/partners"
    return path


def _with_version(prefix: str, path: str) -> str:
    rest = path[len(prefix) :]
    return path if _VERSIONED.match(rest) else f"{prefix}v1/{rest}"


def escaped(target: bytes) -> bytes:
    """A path or query as every server takes it: the same reading, with escapes for what should have been escaped."""
    return _UNESCAPED.sub(lambda found: b"%%%02X" % found[0][0], target)
