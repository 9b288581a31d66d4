"""Programs manage their partner's keys, in their environment and within their own rights."""

from datetime import timedelta

import pytest

from apikeys import keys
from apikeys.models import Key
from core import clock
from tests.apikeys.conftest import OPERATOR
from tests.callers import Caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(acme, issued) -> Caller:
    return Caller("key", acme.pk, scopes=("keys:read", "keys:write"), credential=issued.key.pk)


@pytest.fixture
def stranger(globex) -> Caller:
    return Caller("key", globex.pk)


class TestCreate:
    def test_key_and_secret_are_shown_this_once(self, program):
        made = program.post("/keys", {"name": "Orders", "environment": "live", "scopes": ["keys:read"], "require_secret": True})
        assert made["key"].startswith(made["prefix"])
        assert made["secret"].startswith("ps_")
        shown = program.get(f"/keys/{made['id']}")
        assert "key" not in shown
        assert "secret" not in shown
        assert shown["require_secret"] is True

    def test_replayed_answer_has_no_key(self, program):
        body = {"name": "Orders", "scopes": ["keys:read"]}
        first = program.post("/keys", body, **{"Idempotency-Key": "a"})
        again = program.post("/keys", body, **{"Idempotency-Key": "a"})
        assert again["id"] == first["id"]
        assert "key" not in again

    def test_rights_that_the_caller_lacks(self, program):
        problem = program.post("/keys", {"name": "n", "scopes": ["keys:read", "partner:write"]}, expect=403)
        assert "partner:write" in problem["detail"]

    def test_without_scopes_it_gets_the_least(self, acme):
        everything = Caller("key", acme.pk)
        assert everything.post("/keys", {"name": "n"})["scopes"] == ["partner:read"]

    def test_test_key_makes_test_keys_only(self, acme, issued):
        tester = Caller("key", acme.pk, environment="test")
        keys.revoke(key=issued.key, by=OPERATOR)
        tester.post("/keys", {"name": "n", "environment": "live"}, expect=403)
        assert tester.post("/keys", {"name": "n"})["key"].startswith("pk_test_")

    def test_test_key_makes_the_first_live_key(self, acme):
        tester = Caller("key", acme.pk, environment="test", scopes=("keys:write",))
        tester.post("/keys", {"name": "n", "environment": "live", "scopes": ["audit:read"]}, expect=403)
        assert tester.post("/keys", {"name": "n", "environment": "live", "scopes": ["keys:write"]})["key"].startswith("pk_live_")

    @pytest.mark.parametrize(
        ("field", "value", "pointer"),
        [
            ("name", "", "/name"),
            ("name", "x" * 81, "/name"),
            ("environment", "prod", "/environment"),
            ("scopes", ["no:such"], "/scopes"),
            ("ip_allowlist", ["192.0.2.1", "10.0.0.1/8"], "/ip_allowlist/1"),
            ("ip_allowlist", ["0.0.0.0/0"], "/ip_allowlist/0"),
            ("ip_allowlist", ["fe80::1%eth0"], "/ip_allowlist/0"),
            ("rate_limit_per_minute", 1_001, "/rate_limit_per_minute"),
            ("expires_at", "2001-01-01T00:00:00Z", "/expires_at"),
            ("status", "active", "/status"),
            ("digest", "x", "/digest"),
        ],
    )
    def test_mistakes_are_named(self, program, field, value, pointer):
        problem = program.post("/keys", {"name": "n", "scopes": ["keys:read"], field: value}, expect=422)
        assert problem["errors"][0]["pointer"] == pointer
        assert Key.objects.count() == 1

    def test_unknown_fields_and_other_mistakes_are_named_together(self, program):
        problem = program.post("/keys", {"colour": "red", "environment": "prod"}, expect=422)
        said = {each["pointer"]: each["detail"] for each in problem["errors"]}
        assert said.keys() == {"/colour", "/environment", "/name"}
        assert said["/environment"] == "One of: live, test."


class TestManage:
    def test_change_rotate_disable_enable_revoke(self, program, issued):
        path = f"/keys/{issued.key.public_id}"
        assert program.patch(path, {"name": "Orders"})["name"] == "Orders"
        new = program.post(f"{path}/rotate", {"grace_seconds": 60})
        assert new["key"] != issued.text
        assert program.get(path)["successor"] == new["id"]
        assert program.post(f"{path}/disable", expect=200)["status"] == "disabled"
        assert program.post(f"{path}/enable", expect=200)["status"] == "active"
        assert program.post(f"{path}/revoke", expect=200)["status"] == "revoked"
        assert "“Revoked”" in program.post(f"{path}/enable", expect=409)["detail"]
        program.delete(f"/keys/{new['id']}")
        assert [row["status"] for row in program.get("/keys?status=revoked")["data"]] == ["revoked", "revoked"]

    def test_secret_is_renewed_alone(self, program):
        made = program.post("/keys", {"name": "n", "scopes": ["keys:read"], "require_secret": True})
        renewed = program.post(f"/keys/{made['id']}/rotate-secret")
        assert renewed["secret"] not in {None, made["secret"]}
        assert "key" not in renewed
        weak = program.post("/keys", {"name": "n", "scopes": ["keys:write"]})
        assert program.post(f"/keys/{weak['id']}/rotate-secret")["require_secret"] is True

    def test_weaker_caller_can_not_take_over_the_secret_of_a_stronger_key(self, acme, program):
        strong = keys.issue(partner=acme, environment="live", name="n", scopes=["*"], require_secret=True, by=OPERATOR)
        program.post(f"/keys/{strong.key.public_id}/rotate-secret", expect=403)

    def test_status_is_asked_for_as_it_is_shown(self, acme, program, issued):
        ends = clock.now() + timedelta(hours=1)
        over = keys.issue(partner=acme, environment="live", name="CI", expires_at=ends, by=OPERATOR).key
        assert [row["name"] for row in program.get("/keys?status=expiring")["data"]] == ["CI"]
        Key.objects.filter(pk=over.pk).update(created_at=ends - timedelta(days=2), expires_at=ends - timedelta(days=1))
        assert [row["status"] for row in program.get("/keys?status=expired")["data"]] == ["expired"]
        assert [row["name"] for row in program.get("/keys?status=active&q=back")["data"]] == ["Back end"]
        program.get("/keys?status=nonsense", expect=422)

    def test_grace_beyond_the_tiers(self, program, issued):
        problem = program.post(f"/keys/{issued.key.public_id}/rotate", {"grace_seconds": 31 * 86_400}, expect=422)
        assert problem["errors"][0]["pointer"] == "/grace_seconds"

    @pytest.mark.parametrize(
        ("method", "action"),
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            *(("POST", f"/{verb}") for verb in ("rotate", "rotate-secret", "revoke", "disable", "enable")),
        ],
    )
    def test_stranger_and_other_environment_find_nothing(self, stranger, acme, issued, method, action):
        for caller in (stranger, Caller("key", acme.pk, environment="test")):
            answer = caller.send(method, f"/keys/{issued.key.public_id}{action}", {})
            assert answer.status_code == 404
        issued.key.refresh_from_db()
        assert issued.key.status == "active"

    def test_list_takes_the_same_queries_however_long(self, acme, program, django_assert_num_queries):
        for place in range(6):
            keys.issue(partner=acme, environment="live", name=str(place), by=OPERATOR)
        with django_assert_num_queries(1):
            assert len(program.get("/keys")["data"]) == 7

    def test_list_goes_on_by_cursor(self, acme, program):
        for place in range(3):
            keys.issue(partner=acme, environment="live", name=str(place), by=OPERATOR)
        first = program.get("/keys?limit=3&ordering=name")
        rest = program.get(f"/keys?limit=3&ordering=name&cursor={first['next_cursor']}")
        assert [row["name"] for row in first["data"] + rest["data"]] == ["0", "1", "2", "Back end"]


class TestPublic:
    def test_anybody_may_report_a_leak_and_learns_nothing(self, program, issued):
        anybody = Caller("anonymous")
        real = anybody.post("/keys/report-leak", {"key": issued.text}, expect=202)
        assert real == anybody.post("/keys/report-leak", {"key": "pk_live_unknown"}, expect=202)
        assert program.get(f"/keys/{issued.key.public_id}")["status"] == "leaked"

    def test_scopes_are_explained(self, program):
        names = [scope["name"] for scope in program.get("/scopes")["data"]]
        assert {"keys:read", "keys:write", "partner:read", "audit:read"} <= set(names)
        assert names == sorted(names)
