"""Headers of their own that endpoints want: credentials mostly, so they are encrypted, and shown by name only."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.problems import ValidationError
from core.redaction import MASK
from webhooks.models import Endpoint

MOST = 20
LONGEST_NAME = 100
LONGEST_VALUE = 1_000

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110, 5.6.2
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")
# What the connection, the body or we ourselves say. `connection` and the like concern one hop only (RFC 9110, 7.6.1).
_TAKEN = {
    "accept-encoding",
    "connection",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
}
_TAKEN_FAMILIES = ("content-", "proxy-", "webhook-")
# Shorter values are masked by their header's name only: they would be found in any text.
_TELLING = 6


def of(endpoint: Endpoint) -> dict[str, str]:
    """Name and value of each, the names in lower case."""
    headers: dict[str, str] = json.loads(endpoint.headers) if endpoint.headers else {}
    return headers


def shown(endpoint: Endpoint) -> dict[str, str]:
    """The names, with a mask for each value."""
    return dict.fromkeys(of(endpoint), MASK)


def checked(given: Mapping[str, str], *, kept: Mapping[str, str]) -> str | None:
    """What is stored for these headers; a value that is the mask stays as it was among `kept`. Raises ValidationError."""
    headers = {name.lower(): value for name, value in given.items()}
    if len(given) > MOST or len(headers) < len(given):
        raise _refused("", _("Give 20 headers at most, each of them once."))
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
            raise _refused(name, _("{name} is no name of a header."))
        if name in _TAKEN or name.startswith(_TAKEN_FAMILIES):
            raise _refused(name, _("{name} is set by the platform or by the connection."))
        if value == MASK:
            if name not in kept:
                raise _refused(name, _("Write the value of {name} anew: it isn't known, or the address has changed."))
            headers[name] = kept[name]
        elif len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
            raise _refused(name, _("The value of {name} has 1 to 1,000 ASCII characters and no line breaks."))
    return json.dumps(headers) if headers else None


def masked(text: str, headers: Mapping[str, str]) -> str:
    """The text without the values of these headers, which a server may have sent back."""
    for value in headers.values():
        if len(value) >= _TELLING:
            text = text.replace(value, MASK)
            credential = value.partition(" ")[2]
            if len(credential) >= _TELLING:
                text = text.replace(credential, MASK)
    return text


def _refused(name: str, detail: Any) -> ValidationError:
    pointer = "/headers/" + name.replace("~", "~0").replace("/", "~1") if name else "/headers"
    return ValidationError([{"pointer": pointer, "code": "bad_header", "detail": str(detail).format(name=name[:LONGEST_NAME])}])
