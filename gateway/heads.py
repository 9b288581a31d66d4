"""What a request's head has to be, beyond what llhttp asks of it."""

import httptools
from django.utils.translation import gettext_lazy as _

from core import problems
from gateway.exchanges import Headers, lines

LARGEST_HEAD = 32 * 1024
"""Bytes of a request's target and headers, and of what stands between two parts of its body (trailers, chunk extensions)."""
MOST_HEADERS = 90
"""Of a request: servers behind take a hundred, and some are added."""
METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}


class HeadTooLarge(problems.MalformedRequest):
    """More headers than anybody needs."""

    detail = _("The request's headers are larger than 32 KiB, or more than 90. Send fewer.")


def problem_of(error: httptools.HttpParserError) -> problems.Problem:
    """What the parser, or what it called, found wrong."""
    cause = error.__context__
    if isinstance(cause, problems.Problem):
        return cause
    return problems.MalformedRequest(_("The request is not well-formed HTTP: {reason}."), reason=str(cause or error))


def origin_form(target: bytes) -> bytes:
    """Path and query of a target in absolute form (RFC 9112, section 3.2.2); `*` as it is. Raises HttpParserInvalidURLError."""
    if target == b"*":
        return target
    parsed = httptools.parse_url(target)
    return (parsed.path or b"/") + (b"?" + parsed.query if parsed.query else b"")


def without_offer(method: bytes, target: bytes, version: str, headers: Headers) -> bytes:
    """The head of a request without its offer to upgrade, for a parser of its own: where there is one, llhttp takes the body for
    the other protocol. Raises ValueError for what isn't HTTP even so (CONNECT)."""
    kept = [entry for entry in headers if entry[0] != b"upgrade"]
    if len(kept) == len(headers):
        raise ValueError("its method asks for another protocol")
    return b"%b %b HTTP/%b\r\n%b\r\n" % (method, target, version.encode(), lines(kept))
