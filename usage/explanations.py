"""One call, explained: what its answer meant, and how to make it again."""

import shlex
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from django.conf import settings

from core import problems
from core.api.operations import operations
from usage.models import Bodies, Call

ELSEWHERE = "authorize"
"""The operation of calls to an API beside Portico that another proxy carries."""
_SAFE = "/:@-._~"


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
    advice = str(kind.detail).format_map(_Facts(address=call.address or "…", method=call.method, scope=_scope_of(call)))
    return Explanation(str(kind.title), advice, f"{settings.BASE_URL}{problems.type_url}{kind.code}")


KEY, TOKEN = "X-API-Key: $PORTICO_KEY", "Authorization: Bearer $PORTICO_TOKEN"


def curl(call: Call, bodies: Bodies | None = None) -> str:
    """The call as a command line: the credential is a variable of the shell, queries aren't kept, and a body only of failed test
    calls, without its secrets."""
    host = "https://YOUR-HOST" if call.operation == ELSEWHERE else settings.BASE_URL
    words = ["curl"]
    if call.method != "GET":
        words += ["--head"] if call.method == "HEAD" else ["-X", shlex.quote(call.method)]
    is_application = call.caller is not None and call.caller.startswith("app_")
    words += ["-H", f'"{TOKEN if is_application else KEY}"']
    if bodies and bodies.request:
        words += ["-H", "'Content-Type: application/json'"] if bodies.request[0] in "{[" else []
        words += ["--data-raw", shlex.quote(bodies.request)]
    return " ".join([*words, shlex.quote(host + quote(call.path, safe=_SAFE))])


class _Facts(dict[str, str]):
    """What filled the gaps of an advice, as far as a call still tells."""

    def __missing__(self, name: str) -> str:
        return "…"


def _scope_of(call: Call) -> str:
    """What the call's operation wants; those of an integration want what it declares."""
    return next((each.scope for each in operations() if each.scope and each.name == call.operation), "…")
