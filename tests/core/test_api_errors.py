"""Whatever goes wrong under /api, the answer is a problem document that says what to do."""

import pytest
from django.test import Client

from core import problems

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.api_views")]


def assert_problem(response, status: int, code: str) -> dict:
    document = response.json()
    assert (response.status_code, document["code"]) == (status, code)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert document["status"] == status
    assert document["request_id"] == response.headers["X-Request-Id"]
    assert document["type"].endswith(f"/developers/errors/{code}")
    assert document["detail"]
    return document


class TestBodies:
    """Input that can't be taken is refused with the place of the mistake."""

    @pytest.mark.parametrize(
        "raw",
        [
            b"{",
            b'{"text": NaN}',
            b'{"text": "a", "text": "b"}',
            b'{"text": "\\u0000"}',
            b'{"text": "\\ud800"}',
            b"\xff\xfe",
            b"[" * 5000,
            b"[" * 70 + b"]" * 70,
            b"1" * 5000,
            b'{"text": 1e999}',
            b'{"text": [-1e999]}',
        ],
    )
    def test_what_is_not_json_is_malformed(self, call, raw):
        assert_problem(call("POST", "/api/partner/v1/echo", raw), 400, "malformed_request")

    def test_another_media_type_is_unsupported(self, call):
        assert_problem(call("POST", "/api/partner/v1/echo", b"a=1", content_type="text/plain"), 415, "unsupported_media_type")

    def test_unknown_and_read_only_fields_are_errors(self, call):
        document = assert_problem(
            call("POST", "/api/partner/v1/notes", {"text": "a", "id": "x", "colour": 1}), 422, "validation_error"
        )
        assert {error["pointer"] for error in document["errors"]} == {"/id", "/colour"}

    def test_each_wrong_field_is_pointed_at(self, call):
        document = assert_problem(
            call("POST", "/api/partner/v1/notes", {"text": "x" * 21, "number": "many"}), 422, "validation_error"
        )
        assert {(error["pointer"], error["code"]) for error in document["errors"]} == {
            ("/text", "max_length"),
            ("/number", "invalid"),
        }


class TestCallers:
    """Django checks audience and scope a second time, behind the gateway."""

    def test_without_identity_nobody_calls(self, client: Client):
        assert_problem(client.get("/api/partner/v1/notes"), 401, "missing_credential")

    @pytest.mark.parametrize(
        "change", [{"path": "/api/partner/v1/echo"}, {"method": "POST"}, {"at": 1}, {"audience": "upstream"}]
    )
    def test_an_identity_is_good_for_its_request_only(self, call, change):
        assert_problem(call("GET", "/api/partner/v1/notes", identity=change), 403, "forbidden")

    @pytest.mark.parametrize("header", ["e30=.00", "e30=.\xe9", "\xe9.00", "."])
    def test_a_forged_identity_is_refused(self, client: Client, header: str):
        assert_problem(client.get("/api/partner/v1/notes", headers={"Portico-Identity": header}), 403, "forbidden")

    def test_missing_scope_is_named(self, call):
        refused = call("POST", "/api/partner/v1/notes", {"text": "a"}, identity={"scopes": ("notes:read",)})
        assert assert_problem(refused, 403, "insufficient_scope")["scope"] == "notes:write"

    def test_partner_and_operator_do_not_see_each_others_api(self, call):
        assert_problem(call("GET", "/api/operator/v1/only", identity={"scopes": ("*",)}), 404, "not_found")
        assert_problem(call("GET", "/api/partner/v1/notes", identity={"kind": "operator", "scopes": ("*",)}), 404, "not_found")
        assert call("GET", "/api/operator/v1/only", identity={"kind": "operator", "scopes": ("*",)}).status_code == 200


class TestCaches:
    """A cache on the way may not know that X-API-Key is a credential."""

    def test_what_a_credential_gets_is_kept_by_none(self, call):
        for answer in (
            call("GET", "/api/partner/v1/notes"),
            call("GET", "/api/partner/v1/notes", identity={"scopes": ()}),
            call("POST", "/api/partner/v1/notes", {"text": "a"}),
            call("POST", "/api/partner/v1/notes", {"text": "b"}, **{"Idempotency-Key": "k"}),
        ):
            assert answer.headers["Cache-Control"] == "no-store"
        assert "Cache-Control" not in call("POST", "/api/partner/v1/echo", {}).headers


class TestFaults:
    """Our own faults are said without their insides."""

    def test_unknown_path_is_not_found(self, call):
        assert_problem(call("GET", "/api/partner/v1/nowhere"), 404, "not_found")

    def test_wrong_method_names_the_right_ones(self, call):
        refused = call("DELETE", "/api/partner/v1/notes")
        assert_problem(refused, 405, "method_not_allowed")
        assert "POST" in refused.headers["Allow"]

    def test_a_bug_is_an_internal_error_without_its_insides(self, call):
        refused = call("GET", "/api/partner/v1/broken")
        assert_problem(refused, 500, "internal_error")
        assert b"sk_private" not in refused.content

    def test_a_lost_database_is_temporary(self, call):
        refused = call("POST", "/api/partner/v1/broken", {})
        assert_problem(refused, 503, "temporarily_unavailable")
        assert int(refused.headers["Retry-After"]) > 0


def test_every_code_says_what_to_do():
    for code, kind in problems.catalogue().items():
        assert kind.code == code
        assert str(kind.title)
        assert str(kind.detail).endswith("."), code
