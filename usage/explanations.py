"""One call, explained: what its answer meant, and how to make it again."""

import shlex
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings

from core import problems
from usage.models import Call


@dataclass(frozen=True, slots=True)
class Explanation:
    """`title` and `advice` in words; `url` leads to the page about the problem, if it was one of ours."""

    title: str
    advice: str
    url: str


def explain(call: Call) -> Explanation | None:
    """What a failed call's answer meant; None for one that went well."""
    if call.status < 400:
        return None
    kind = problems.catalogue().get(call.code)
    if kind is None:
        phrase = HTTPStatus(call.status).phrase if call.status in HTTPStatus._value2member_map_ else str(call.status)
        return Explanation(phrase, "", "")
    # The advice with its gaps left out: what filled them is not kept.
    advice = str(kind.detail).format_map(_Gaps())
    return Explanation(str(kind.title), advice, f"{settings.BASE_URL}{problems.type_url}{kind.code}")


def curl(call: Call) -> str:
    """The call as a command line, with a placeholder for the credential. Bodies aren't kept, so they aren't in it."""
    words = ["curl"]
    if call.method != "GET":
        words += ["-X", call.method]
    words += ["-H", "X-API-Key: $PORTICO_KEY", f"{settings.BASE_URL}{call.path}"]
    return " ".join(f'"{word}"' if "$PORTICO_KEY" in word else shlex.quote(word) for word in words)


class _Gaps(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "…"
