"""A path has one reading, or is refused before anything looks at it."""

import pytest

from gateway.paths import AmbiguousPath, canonical, escaped, plain


@pytest.mark.parametrize(
    "raw",
    [
        b"//api/partner/v1/keys",
        b"/api//partner/v1/keys",
        b"/%61pi/partner/v1/keys",
        b"/api/partner/v1/%6Beys",
        b"/api/./partner",
        b"/api/partner/..",
        b"/api/partner/../operator",
        b"/api/partner/%2e%2e/operator",
        b"/api%2Fpartner",
        b"/api%2fpartner",
        b"/api/%252e%252e/x",
        b"/api\\partner",
        b"/api/%5cpartner",
        b"/api/x%00",
        b"/api/x%0d%0aSet-Cookie:a",
        b"/api/%",
        b"/api/%zz",
        b"/api/%ff",
        b"api/partner",
        b"/" + b"a" * 9_000,
    ],
)
def test_ambiguous_paths_are_refused(raw):
    with pytest.raises(AmbiguousPath):
        plain(raw)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/a/b", "/a/b"),
        (b"/a%20b", "/a b"),
        (b"/caf%C3%A9", "/café"),
        (b"/.well-known/x", "/.well-known/x"),
        (b"/a..b", "/a..b"),
    ],
)
def test_plain_paths_are_decoded_once(raw, path):
    assert plain(raw) == path


@pytest.mark.parametrize(
    ("method", "short", "long"),
    [
        ("GET", "/api/partner/keys", "/api/partner/v1/keys"),
        ("GET", "/api/partner/v1/keys", "/api/partner/v1/keys"),
        ("GET", "/api/partner/v1/keys/", "/api/partner/v1/keys"),
        ("GET", "/api/partner/v2/keys", "/api/partner/v2/keys"),
        ("GET", "/api/partner/videos", "/api/partner/v1/videos"),
        ("POST", "/api/requests", "/api/partner/v1/requests"),
        ("GET", "/api/requests/req_1", "/api/partner/v1/requests/req_1"),
        ("GET", "/api/requestsx", "/api/requestsx"),
        ("POST", "/admin/partners", "/api/operator/v1/partners"),
        ("POST", "/admin/partners/", "/api/operator/v1/partners"),
        ("GET", "/admin/partners/", "/admin/partners/"),
        ("GET", "/partners/acme/", "/partners/acme/"),
    ],
)
def test_short_forms_mean_the_canonical_path(method, short, long):
    assert canonical(method, short) == long


@pytest.mark.parametrize(
    "target", ["//api/partner/v1/keys", "/%61pi/partner/v1/keys", "/api/partner/v1/../v1/keys", "/x/../admin/"]
)
def test_the_gateway_answers_them_with_a_problem(gateway, target):
    answer = gateway.raw(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"malformed_request"' in answer


@pytest.mark.parametrize("path", ["/api/partner/keys", "/api/partner/v1/keys", "/api/partner/v1/keys/"])
def test_every_spelling_reaches_the_operation(gateway, acme, path):
    gateway.get(path, key=acme.key().text).expect(200)


def test_an_unknown_path_is_a_problem(gateway, acme):
    gateway.get("/api/partner/v1/nothing", key=acme.key().text).expect_problem(404, "not_found")
    gateway.get("/apis/nothing-here/x", key=acme.key().text).expect_problem(404, "not_found")
    gateway.get("/gateway/nothing").expect_problem(404, "not_found")


def test_another_method_is_told_which_are_possible(gateway, acme):
    answer = gateway.request("DELETE", "/api/partner/v1/keys", key=acme.key().text).expect_problem(405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    options = gateway.request("OPTIONS", "/api/partner/v1/keys").expect(204)
    assert options.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_head_is_a_get_without_its_body(gateway, acme):
    answer = gateway.request("HEAD", "/api/partner/v1/keys", key=acme.key().text).expect(200)
    assert answer.body == b""


def test_what_should_have_been_escaped_is(gateway, acme, served, consumer, upstream):
    """Some servers refuse it where others take it."""
    assert escaped(b'/a%20?b="<>`{|}~') == b"/a%20?b=%22%3C%3E%60{|}~"
    sent = f'GET {served.path}/<x>?q="`" HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nConnection: close\r\n\r\n'
    assert gateway.raw(sent.encode()).startswith(b"HTTP/1.1 200 ")
    assert upstream.seen[0].target == "/base/%3Cx%3E?q=%22%60%22"


def test_other_paths_are_djangos(gateway):
    gateway.get("/healthz").expect(200)
    assert gateway.get("/admin/").status == 302


def test_websockets_are_refused_cleanly(gateway):
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "x" * 16}
    gateway.get("/api/partner/v1/keys", headers=headers).expect_problem(400, "malformed_request")
