"""Whatever is sent to an operation, the answer is the operation's or a refusal that says why: never a fault of ours.

The operations, their fields and their parameters are read from the OpenAPI document of the running platform, so one that is
added later is tried here without being named. Each gets a few of the inputs below, the next one the next few.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import pytest

from tests import routes as described
from tests.platform import Api, Gateway, Member, Reply
from tests.platform import member as make_member
from tests.routes import MAKERS, Route

Try = tuple[str, Any, dict[str, str]]
"""A path with its query, a body, and headers."""

VALUES: list[Any] = [
    None, True, -1, 0, 2**31, 2**63, 10**400, 1.5, 1e308, "", " ", "x" * 70_000, "a\r\nb: c", "\u202e\ufeff\u0001\U0001f4a5",
    "';\"--%s%n{0}{name}{{7*7}}", "../../etc/passwd", "1e400", "NaN", "-Infinity", "1e999999", "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-13-45", "http://[::1", "http://\u00df.example:99999/", [], {},
    [None], [[[]]], {"": ""}, ["x", "x", 1, None, {}], {"a": {"b": ["c"]}}, "*", ".*", "key_7zzzzzzzzzzzzzzzzzzzzzzzzz",
]  # fmt: skip
BODIES: list[bytes] = [
    b"", b"null", b"[]", b'"x"', b"0", b"1e999", b"{", b"\xff\xfe", b'{"name": "\\u0000"}', b'{"name": "\\ud800"}', b"[" * 9_000,
    b'{"a":' * 70 + b"1" + b"}" * 70, b'{"name": 1, "name": 2}', b"NaN", b"9" * 6_000, b"\xef\xbb\xbf{}",
]  # fmt: skip
TYPES = [
    "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "application/xml", "", "/", "application/json;;;",
]  # fmt: skip
WORDS = [
    "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "", "%00", "%ED%A0%80", "%FF",
    "x" * 3_000, "-1", "9" * 30, "1e400", "NaN", "Infinity", "%27", "null", "a,b,,c", "%F0%9F%92%A5", "2026-13-45", "0001-01-01",
    "9999-12-31", "*", ".*", "10000-01-01T00:00:00Z", "%25", "%5C", "key_7zzzzzzzzzzzzzzzzzzzzzzzzz", "xml", "csv",
    "ptn_00000000000000000000000000",
    "WyItaWQiLCBJbmZpbml0eV0", "WyItaWQiLCAiXHVkODAwIl0", "e30", "bnVsbA",
]  # fmt: skip
IDS = ["%F0%9F%92%A5", "key_7zzzzzzzzzzzzzzzzzzzzzzzzz", "x" * 2_000, "-1", "%22", "ptn_00000000000000000000000000"]
HEADERS = [
    {"Idempotency-Key": "\xe9"}, {"Idempotency-Key": "x" * 300}, {"Idempotency-Key": ""}, {"Accept": "text/html"},
    {"Accept": "\xe9;q=x"}, {"Accept-Language": "x" * 2_000}, {"Content-Encoding": "gzip"}, {"X-Request-Id": "\xe9" * 300},
    {"Host": "evil.example/@:"}, {"X-HTTP-Method-Override": "DELETE"}, {"If-None-Match": "\xe9"}, {"Range": "bytes=9-1"},
    {"Cookie": "portico_session=x; \xff"}, {"Portico-Identity": "\xe9.\xe9"}, {"Portico_Identity": "e30.00"},
]  # fmt: skip
# What these do, they do for all partners at once: those of other tests too.
OF_ALL = ("/billing/close", "/payouts/run")


@pytest.fixture(scope="module")
def routes(platform: Gateway) -> list[Route]:
    found = described.read(platform.get("/api/schema?format=json").expect(200).json)
    return [route for route in found if not route.path.endswith(OF_ALL)]


@pytest.fixture(scope="module")
def acme(platform: Gateway) -> Member:
    return make_member(platform, "Acme", tier="enterprise")


@pytest.fixture(scope="module")
def objects(acme: Member) -> dict[str, str]:
    """An object of each kind, by kind."""
    return {kind: make(acme) for kind, make in MAKERS.items()}


def test_no_input_is_a_fault(acme: Member, operator: Api, routes: list[Route], objects: dict[str, str]) -> None:
    faults = []
    for number, route in enumerate(routes):
        api = operator if route.audience == "operator" else acme.api
        for path, body, headers in _tries(route, objects.get(route.kind, "nothing"), number):
            answer = api.request(route.method, path.removeprefix(api.root), body, headers=headers)
            if not _is_fine(answer, of_oauth="/auth/" in route.path):
                faults.append(f"{route.method} {path[:200]} {str(body)[:200]} {headers}: {answer.status} {answer.body[:300]!r}")
    assert not faults, "\n".join(faults)


def _tries(route: Route, public_id: str, number: int) -> Iterator[Try]:
    path = route.with_id(public_id)
    yield from ((path, route.body, headers) for headers in _some(HEADERS, 1, number))
    if route.has_id:
        yield from ((route.with_id(each), route.body, {}) for each in _some(IDS, 1, number))
    if route.method == "GET":
        for place, name in enumerate(sorted({*route.query, "unknown"})):
            yield from ((f"{path}?{name}={word}", None, {}) for word in _some(WORDS, 3, number + place))
        return
    yield from ((path, body, {"Content-Type": "application/json"}) for body in _some(BODIES, 2, number))
    yield from ((path, json.dumps(route.body).encode(), {"Content-Type": kind}) for kind in _some(TYPES, 1, number))
    body = route.body if isinstance(route.body, dict) else {}
    for place, name in enumerate(sorted({*route.fields, *body})):
        yield from ((path, {**body, name: value}, {}) for value in _some(VALUES, 2, number + place))


def _some(inputs: Sequence[Any], count: int, number: int) -> list[Any]:
    """The next few, from one operation or field to the next."""
    return list(islice(cycle(inputs), number * count % len(inputs), number * count % len(inputs) + count))


def _is_fine(answer: Reply, *, of_oauth: bool) -> bool:
    """OAuth's endpoints refuse as RFC 6749, section 5.2 has it."""
    kind = answer.headers.get("content-type")
    refused = kind == "application/problem+json" or (of_oauth and kind == "application/json" and "error" in answer.json)
    return answer.status < 400 or (answer.status < 500 and refused)
