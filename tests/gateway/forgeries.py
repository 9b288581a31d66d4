"""Requests of a thief, who has a key of their own, knows a victim's key id, and wants to be somebody or somewhere else.

`$thief`, `$victim` and the like are filled in by the test. What a request may reach is told as method, path and who it was done
for: at Django its path, at the integration's upstream a path below `/base`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

KEYS = "/api/partner/v1/keys"
AS_THIEF = "X-API-Key: $thief"
LISTED = f"GET {KEYS} thief"
CARRIED = "GET /base/x thief"
BROKEN = "broken"
"""Where a call goes that may break off before or after it has come to the upstream."""
INNER = "GET /apis/$slug/inner HTTP/1.1\r\nHost: x\r\nX-Partner-Id: $victim_id\r\n\r\n"


@dataclass(frozen=True)
class Forgery:
    """What is sent on one connection, the statuses of the answers, and all that may be reached. The thief is charged for each
    thing that is reached for them, or as often as `charged` says; nobody else ever is."""

    name: str
    sent: str
    statuses: tuple[int, ...]
    reached: tuple[str, ...] = ()
    charged: int | None = None


def ask(target: str, *headers: str, method: str = "GET", host: str = "x", body: str = "") -> str:
    """A request after which the connection ends."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, "Connection: close", "", body])


def identities() -> Iterator[Forgery]:
    """The header by which Django knows a caller, captured from a call of the victim's, and other names of who calls."""
    forged = {
        "captured": "Portico-Identity: $captured",
        "in capitals": "PORTICO-IDENTITY: $captured",
        "twice": "Portico-Identity: $captured\r\nPortico-Identity: $captured",
        "with an underscore": "Portico_Identity: $captured",
        "as CGI names it": "HTTP_PORTICO_IDENTITY: $captured",
        "for this hop": "Connection: portico-identity\r\nPortico-Identity: $captured",
        "as upstreams are told": "X-Partner-Id: $victim_id\r\nX-Key-Id: $victim_key_id\r\nX-Scopes: *",
        "key with underscores": "X_API_Key: $victim",
    }
    for name, header in forged.items():
        yield Forgery(f"identity {name}", ask(KEYS, header), (401,))
        yield Forgery(f"identity {name}, with a key", ask(KEYS, AS_THIEF, header), (200,), (LISTED,))
    yield Forgery("identity before a blank", ask(KEYS, AS_THIEF, "Portico-Identity : $captured"), (400,))
    yield Forgery("identity on a folded line", ask(KEYS, AS_THIEF, "X-A: a\r\n Portico-Identity: $captured"), (400,))
    trailer = "2\r\n{}\r\n0\r\nX-API-Key: $victim\r\nPortico-Identity: $captured\r\n\r\n"
    chunked = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    yield Forgery("identity in a trailer", ask(KEYS, AS_THIEF, *chunked, method="POST", body=trailer), (403,))


def credentials() -> Iterator[Forgery]:
    """The victim's key beside one's own, and where no credential is read."""
    yield Forgery("two keys", ask(KEYS, AS_THIEF, "X-API-Key: $victim"), (400,))
    yield Forgery("a key and a bearer", ask(KEYS, AS_THIEF, "Authorization: Bearer $victim"), (400,))
    yield Forgery("two keys in one header", ask(KEYS, "X-API-Key: $thief, $victim"), (401,))
    yield Forgery("a key in the query", ask(f"{KEYS}?api_key=$victim&access_token=$victim", "Accept: */*"), (401,))
    yield Forgery("a key as a password", ask(KEYS, "Authorization: Basic $victim_as_password"), (401,))
    yield Forgery("a session", ask(KEYS, "Cookie: $session"), (401,))


def paths() -> Iterator[Forgery]:
    """Spellings by which one program reads another path than the next."""
    for path in (
        f"/{KEYS}", "/api//partner/v1/keys", "/%61pi/partner/v1/keys", "/api/partner/v1/%6beys", "/./api/partner/v1/keys",
        "/api/partner/v1/../../operator/v1/partners", "/api/%2e%2e/api/partner/v1/keys", "/static/../api/partner/v1/keys",
        "/api/partner/v1/keys/..;/partner", "/api/partner/v1/keys%2f$victim_key_id", "/api/partner%5cv1/keys",
        "/api\\partner/v1/keys", "/api/partner/v1/keys%00", "/api/%c0%ae%c0%ae/operator/v1/partners", "/api/%252e%252e/operator",
        f"{KEYS}#/../partner", "/apis/$slug/../$other/x", "/apis/$slug/%2E%2e/$other/x", "/apis/$slug/..%2f$other/x",
        "/apis//$slug/x", "/apis/$slug//x", "api/partner/v1/keys", "http://evil.example//api/partner/v1/keys",
    ):  # fmt: skip
        yield Forgery(f"path {path}", ask(path, AS_THIEF), (400,))
    for path in ("/api/partner/v1;v=1/keys", f"{KEYS};v=1", "/apis/$slug;v=1/x", "/api/operator/v1/partners"):
        yield Forgery(f"path {path}", ask(path, AS_THIEF), (404,))
    for path, seen in (("/API/partner/v1/keys", "/API/partner/v1/keys"), ("/%EF%BC%8Fapi/keys", "/／api/keys")):
        yield Forgery(f"path {path}", ask(path, AS_THIEF), (404,), (f"GET {seen} nobody",))
    yield Forgery("path of another's key", ask(f"{KEYS}/$victim_key_id", AS_THIEF), (404,), (f"GET {KEYS}/$victim_key_id thief",))
    yield Forgery("path of another's integration", ask("/apis/$other/x", AS_THIEF), (403,))
    for origin in ("http://evil.example", "http://victim@evil.example:81"):
        yield Forgery(f"path at {origin}", ask(f"{origin}{KEYS}", AS_THIEF), (200,), (LISTED,))


def overrides() -> Iterator[Forgery]:
    """Headers by which some programs take another method, path or host."""
    own = f"{KEYS}/$thief_key_id"
    for header in ("X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE"):
        yield Forgery(header, ask(own, AS_THIEF, header), (200,), (f"GET {own} thief",))
    form = ("Content-Type: application/x-www-form-urlencoded", "Content-Length: 14")
    yield Forgery("a method in the form", ask(own, AS_THIEF, *form, method="POST", body="_method=DELETE"), (405,))
    for header in (
        "X-Original-URL: /api/operator/v1/partners", "X-Rewrite-URL: /api/operator/v1/partners",
        "X-Original-Method: POST\r\nX-Original-URI: /api/operator/v1/partners", "X-Forwarded-Host: evil.example",
        "Forwarded: host=evil.example;proto=https", "X-Forwarded-Prefix: /api/operator/v1",
    ):  # fmt: skip
        yield Forgery(header, ask(KEYS, AS_THIEF, header), (200,), (LISTED,))
    yield Forgery("another host", ask(KEYS, AS_THIEF, host="evil.example"), (200,), (LISTED,))
    yield Forgery("two hosts", ask(KEYS, AS_THIEF, "Host: evil.example"), (400,))


def addresses() -> Iterator[Forgery]:
    """Somebody else's address, with a key that works from there alone."""
    for header in (
        "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 203.0.113.7",
        "X_Forwarded_For: 203.0.113.7", "X-Real-IP: 203.0.113.7", "Forwarded: for=203.0.113.7", "True-Client-IP: 203.0.113.7",
        "CF-Connecting-IP: 203.0.113.7", "X-Client-IP: 203.0.113.7",
    ):  # fmt: skip
        yield Forgery(f"address {header!r}", ask(KEYS, "X-API-Key: $tied", header), (403,))


def questions() -> Iterator[Forgery]:
    """Of forward-auth, where headers name the call that a proxy wants to carry."""
    path = "/gateway/authorize"
    about = "X-Original-Method: GET\r\nX-Original-URI: /orders"
    for name, headers in {
        "two URIs": f"{about}\r\nX-Original-URI: /other",
        "two methods": f"{about}\r\nX-Original-Method: DELETE",
        "two scopes": f"{about}\r\nX-Portico-Scope: keys:write\r\nX-Portico-Scope: keys:read",
        "two proxies": f"{about}\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: /other",
        "dots": "X-Original-URI: /orders/../api/partner/v1/keys",
        "no path": "X-Original-URI: http://evil.example/orders",
    }.items():
        yield Forgery(f"question with {name}", ask(path, AS_THIEF, headers), (400,))
    hidden = "X-Original-Method: POST\r\nX-Original-URI: /api/partner/v1/keys\r\nX_Original_URI: /orders"
    yield Forgery("question with underscores", ask(path, AS_THIEF, hidden), (403,))
    yield Forgery("question about operators", ask(path, AS_THIEF, "X-Original-URI: /api/operator/v1/partners"), (404,))
    named = f"{about}\r\nX-Partner-Id: $victim_id\r\nX-Key-Id: $victim_key_id\r\nX-Scopes: *"
    yield Forgery("question that answers itself", ask(path, AS_THIEF, named), (204,), charged=1)


def told() -> Iterator[Forgery]:
    """What only the gateway tells an upstream."""
    for header in (
        "X-Partner-Id: $victim_id\r\nX-Key-Id: $victim_key_id\r\nX-Scopes: *",
        "x_partner_id: $victim_id\r\nx_key_id: $victim_key_id",
        "X-Portico-Signature: t=1,v1=00\r\nX-Portico-Environment: test", "X-Request-Id: call_00000000000000000000000000",
        "Connection: x-partner-id, x-key-id, x-portico-signature, x-request-id", "X-Forwarded-Prefix: /apis/$other",
        "Portico-Identity: $captured", "X-Partner-Id: $victim_id\r\nX-Partner-Id: $victim_id", "X-Forwarded-For: 203.0.113.7",
    ):  # fmt: skip
        yield Forgery(f"to an upstream {header!r}", ask("/apis/$slug/x", AS_THIEF, header), (200,), (CARRIED,))
    yield Forgery("to an upstream at another host", ask("/apis/$slug/x", AS_THIEF, host="evil.example"), (200,), (CARRIED,))


def smuggled() -> Iterator[Forgery]:
    """A request within the body of another, for a server behind that reads the body's end elsewhere (RFC 9112, section 11.2)."""
    length = "Content-Length: $inner_length"
    for name, framing, body in (
        ("both framings", "Content-Length: 4\r\nTransfer-Encoding: chunked", f"0\r\n\r\n{INNER}"),
        ("both framings, turned", f"Transfer-Encoding: chunked\r\n{length}", f"0\r\n\r\n{INNER}"),
        ("two lengths", f"Content-Length: 0\r\n{length}", INNER),
        ("a list of lengths", "Content-Length: 0, 99", INNER),
        ("a length with a sign", "Content-Length: +0", INNER),
        ("a length in hex", "Content-Length: 0x0", INNER),
        ("a length with a blank", "Content-Length: 0 99", INNER),
        ("a blank before the colon", "Transfer-Encoding : chunked", f"0\r\n\r\n{INNER}"),
        ("a coding that isn't last", "Transfer-Encoding: chunked, identity", f"0\r\n\r\n{INNER}"),
        ("a coding after a tab", "Transfer-Encoding:\x0bchunked", f"0\r\n\r\n{INNER}"),
        ("a folded coding", "Transfer-Encoding:\r\n chunked", f"0\r\n\r\n{INNER}"),
        ("a bare line feed", f"X-A: a\nContent-Length: 0\r\n{length}", INNER),
        ("a bare carriage return", f"X-A: a\rContent-Length: 0\r\n{length}", INNER),
    ):  # fmt: skip
        sent = ask("/apis/$slug/x", AS_THIEF, framing, method="POST", body=body)
        yield Forgery(f"smuggled by {name}", sent, (400,))
    chunked = "chunked"
    for name, coding, body in (
        ("an unknown coding", "xchunked", f"0\r\n\r\n{INNER}"),
        ("a chunk of two sizes", chunked, f"0 99\r\n\r\n{INNER}"),
        ("a chunk too large to count", chunked, f"10000000000000000\r\n{INNER}"),
        ("a chunk size in C", chunked, f"0x0\r\n\r\n{INNER}"),
        ("a chunk longer than said", chunked, f"1\r\nab\r\n0\r\n\r\n{INNER}"),
        ("a line feed in an extension", chunked, f"0;a\n\r\n\r\n{INNER}"),
    ):  # admitted by its head, and broken off by its body
        sent = ask(f"/apis/$slug/{BROKEN}", AS_THIEF, f"Transfer-Encoding: {coding}", method="POST", body=body)
        yield Forgery(f"smuggled by {name}", sent, (400,), charged=1)
    told = ask("/apis/$slug/x", AS_THIEF, length, body=INNER)
    yield Forgery("smuggled in a GET", told, (200,), (CARRIED,))


def all_of_them() -> list[Forgery]:
    """Every case."""
    groups = (identities, credentials, paths, overrides, addresses, questions, told, smuggled)
    return [forgery for group in groups for forgery in group()]
