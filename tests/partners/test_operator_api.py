"""Operators' programs create partners with a key, decide about them, and can undo it."""

import pytest

from apikeys.models import Key
from apikeys.verdicts import verify
from partners.models import Partner, Review
from tests.callers import Caller

pytestmark = pytest.mark.django_db


class TestCreate:
    def test_partner_works_at_once(self, console):
        answer = console.post("/partners", {"name": "Initech"})
        assert set(answer) == {"id", "name", "apiKey"}
        assert answer["apiKey"].startswith("pk_live_")
        assert verify(text=answer["apiKey"], scope="requests:write").code == "valid"
        assert verify(text=answer["apiKey"], scope="keys:write").code == "insufficient_scope"

    def test_every_scope(self, console):
        answer = console.post("/partners", {"name": "Initech", "scopes": ["*"]})
        assert verify(text=answer["apiKey"], scope="keys:write").code == "valid"

    @pytest.mark.parametrize(("field", "value"), [("name", ""), ("scopes", ["no:such"]), ("scopes", []), ("status", "active")])
    def test_mistake_makes_nothing(self, console, field, value):
        problem = console.post("/partners", {"name": "Initech", field: value}, expect=422)
        assert problem["errors"][0]["pointer"].startswith(f"/{field}")
        assert not Partner.objects.exists()
        assert not Key.objects.exists()

    def test_repeated_with_its_idempotency_key_makes_one_and_shows_no_key_again(self, console):
        first = console.post("/partners", {"name": "Initech"}, **{"Idempotency-Key": "once"})
        again = console.post("/partners", {"name": "Initech"}, **{"Idempotency-Key": "once"})
        assert again == {"id": first["id"], "name": "Initech"}
        assert Partner.objects.count() == 1


class TestLifecycle:
    def test_reject_then_approve(self, console, submitted):
        path = f"/partners/{submitted.public_id}"
        console.post(f"{path}/reject", {"reason": "Which road?"}, expect=200)
        assert Review.objects.get().decided_by.email == "op@portico.example"
        console.post(f"{path}/approve", expect=409)

    def test_suspend_and_reactivate(self, console, active):
        path = f"/partners/{active.public_id}"
        assert console.post(f"{path}/suspend", {"reason": "Unpaid"}, expect=200)["status_reason"] == "Unpaid"
        assert console.post(f"{path}/suspend", expect=409)["code"] == "conflict"
        assert console.post(f"{path}/reactivate", expect=200)["status"] == "active"

    def test_deleted_is_gone_until_restored(self, console, active):
        path = f"/partners/{active.public_id}"
        console.delete(path)
        console.get(path, expect=404)
        assert console.get("/partners")["data"] == []
        assert [row["id"] for row in console.get("/partners?deleted=true")["data"]] == [active.public_id]
        assert console.post(f"{path}/restore", expect=200)["status"] == "active"
        assert console.get(path)["deleted_at"] is None

    def test_change_of_profile_and_tier(self, console, active):
        before = active.version
        answer = console.patch(f"/partners/{active.public_id}", {"tier": "professional", "website": "https://globex.example"})
        assert (answer["tier"], answer["website"]) == ("professional", "https://globex.example")
        active.refresh_from_db()
        assert active.version > before
        problem = console.patch(f"/partners/{active.public_id}", {"tier": "platinum"}, expect=422)
        assert problem["errors"][0]["pointer"] == "/tier"

    def test_filters(self, console, active, newcomer):
        assert [row["slug"] for row in console.get("/partners?status=pending")["data"]] == ["acme"]
        assert [row["slug"] for row in console.get("/partners?q=glo&tier=developer")["data"]] == ["globex"]

    def test_list_reads_tiers_with_the_partners(self, console, active, newcomer, django_assert_num_queries):
        with django_assert_num_queries(1):
            console.get("/partners")


class TestWho:
    def test_partners_key_finds_no_operator_api(self, active):
        assert Caller("operator", credential=active.pk, scopes=()).get("/partners", expect=403)["scope"] == "partners:read"

    def test_scope_is_needed(self, console, active):
        reader = Caller("operator", credential=console.credential, scopes=("partners:read",))
        assert reader.post(f"/partners/{active.public_id}/suspend", expect=403)["scope"] == "partners:write"

    def test_verify(self, console):
        made = console.post("/partners", {"name": "Initech"})
        good = console.post("/keys/verify", {"key": made["apiKey"], "scope": "requests:read", "ip": "192.0.2.1"}, expect=200)
        assert (good["valid"], good["code"], good["partner_id"]) == (True, "valid", made["id"])
        bad = console.post("/keys/verify", {"key": "pk_live_x"}, expect=200)
        assert bad == {"valid": False, "code": "invalid_key", "partner_id": None, "key_id": None, "scopes": [], "remaining": None}
        console.post("/keys/verify", {"key": "x", "ip": "no"}, expect=422)
