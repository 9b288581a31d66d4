"""What an upstream under `/apis/` is told of a call, and what of its answer reaches the caller."""

import hashlib
import hmac
import time
from urllib.parse import urlsplit

from django.conf import settings
from yarl import URL

from apikeys.snapshots import Grant
from core.models import Environment
from core.upstreams import Route, Upstream
from gateway.calls import Call
from gateway.exchanges import Headers
from gateway.http1 import Answer
from gateway.paths import escaped
from gateway.upstream import HOP_BY_HOP, OURS, SECRETS, named_by_connection

# Not passed on to the upstream; the last two lead some servers out of the base of its address.
INWARDS_DROPPED = HOP_BY_HOP | OURS | SECRETS | {
    b"authorization", b"cookie", b"host", b"x-forwarded-prefix", b"x-key-id", b"x-partner-id", b"x-scopes", b"x-accel-mapping",
    b"x-sendfile-type", b"x-original-url", b"x-rewrite-url",
}  # fmt: skip
# What makes many servers take the call for another one: not passed on where scopes go by method and path.
REROUTING = frozenset({b"x-http-method", b"x-http-method-override", b"x-method-override"})
# Not taken from it: what would act in the name of our domain, what is ours to say, and what a proxy in front of us would obey
# (to nginx `x-accel-redirect` names any file or place of its own).
OUTWARDS_DROPPED = HOP_BY_HOP | {
    b"accept-ch", b"alt-svc", b"clear-site-data", b"content-security-policy", b"critical-ch", b"expect-ct",
    b"idempotent-replayed", b"idempotent-stored", b"nel", b"origin-agent-cluster", b"origin-trial", b"public-key-pins",
    b"ratelimit", b"ratelimit-policy", b"report-to", b"reporting-endpoints", b"service-worker-allowed", b"set-cookie",
    b"set-cookie2", b"set-login", b"strict-transport-security", b"x-accel-charset", b"x-accel-expires", b"x-accel-limit-rate",
    b"x-accel-redirect", b"x-content-type-options", b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset",
    b"x-request-id", b"x-sendfile",
}  # fmt: skip
# An answer of somebody else's API under our domain is data, whatever a browser would like to make of it.
HARMLESS = b"content-security-policy: default-src 'none'; sandbox\r\nx-content-type-options: nosniff\r\n"
_OURS_BEGIN = (b"portico-", b"x-portico-")
_PUBLIC = urlsplit(settings.BASE_URL)
_PUBLIC_LINES = f"x-forwarded-host: {_PUBLIC.netloc}\r\nx-forwarded-proto: {_PUBLIC.scheme}\r\n".encode()


class Base:
    """An upstream's address, taken apart once: `origin` to connect to, and what requests to it begin with."""

    __slots__ = ("_path", "host_line", "origin")

    def __init__(self, upstream: Upstream) -> None:
        url = URL(upstream.url)
        self.origin = str(url.origin())
        self._path = url.raw_path.rstrip("/").encode()
        self.host_line = f"host: {url.host_port_subcomponent}\r\n".encode()

    def target(self, route: Route, call: Call) -> bytes:
        """Path and query at the upstream: below its base, and as the client sent them (`paths.plain` let no way out pass), but
        with what it should have escaped."""
        path = self._path + call.raw_path[6 + len(route.slug) :]  # without `/apis/<slug>`
        return escaped(b"%b?%b" % (path or b"/", call.query) if call.query else path or b"/")


def request_head(base: Base, route: Route, call: Call, grant: Grant, framing: bytes) -> bytes:
    """A call as the upstream gets it, up to its body. `framing` are the lines that say how that comes."""
    target = base.target(route, call)
    dropped = INWARDS_DROPPED
    if b"connection" in call.fields:
        dropped |= named_by_connection(call.headers)
    if route.operations is not None:
        dropped = dropped | REROUTING | {name for name, _value in route.headers}
    lines = [b"%b: %b\r\n" % entry for entry in call.headers if entry[0] not in dropped and not entry[0].startswith(_OURS_BEGIN)]
    told = b"x-request-id: %b\r\nx-partner-id: %b\r\nx-key-id: %b\r\n" % (
        call.request_id.encode(),
        grant.partner_id.encode(),
        grant.credential_id.encode(),
    )
    if grant.environment == Environment.TEST:
        told += b"x-portico-environment: test\r\n"
    if route.tells_address:
        told += b"x-forwarded-for: %b\r\n" % call.address.encode()
    return b"".join(
        (
            b"%b %b HTTP/1.1\r\n" % (call.method.encode(), target),
            base.host_line,
            *lines,
            told,
            _PUBLIC_LINES,
            b"x-forwarded-prefix: /apis/%b\r\n" % route.slug.encode(),
            *[b"%b: %b\r\n" % entry for entry in route.headers],
            b"x-portico-signature: %b\r\n" % signature(route, call, grant, target, at=int(time.time())),
            framing,
            b"\r\n",
        )
    )


def signature(route: Route, call: Call, grant: Grant, target: bytes, *, at: int) -> bytes:
    """`t=<Unix seconds>,v1=<HMAC-SHA-256 in hex>` over what the upstream is told of the call, with one `v1` for each of the
    route's secrets; see docs/gateway.md."""
    who = f"{at}\n{call.request_id}\n{grant.partner_id}\n{grant.credential_id}\n{call.method}\n".encode()
    made = [hmac.digest(secret.encode(), who + target, hashlib.sha256).hex() for secret in route.signing_secrets]
    return f"t={at},v1={',v1='.join(made)}".encode()


def passed_headers(answer: Answer) -> Headers:
    """The headers of an upstream's answer that may reach the client."""
    dropped = OUTWARDS_DROPPED | named_by_connection(answer.headers)
    return [entry for entry in answer.headers if entry[0] not in dropped and not entry[0].startswith(_OURS_BEGIN)]
