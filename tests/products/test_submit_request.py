"""A partner submits a request and follows it."""

import re

import pytest

pytestmark = pytest.mark.django_db


class TestSubmit:
    def test_answer_is_as_clients_know_it(self, acme) -> None:
        answer = acme.post("/requests", {"type": "CREDIT_CHECK", "payload": {"company": "Acme"}})
        assert re.fullmatch(r"req_[0-9a-z]{26}", answer["requestId"])
        assert re.fullmatch(r"ptn_[0-9a-z]{26}", answer["partnerId"])
        assert (answer["type"], answer["status"], answer["payload"]) == ("CREDIT_CHECK", "SUBMITTED", {"company": "Acme"})
        assert acme.get(f"/requests/{answer['requestId']}") == answer

    @pytest.mark.parametrize("payload", [None, True, 0, 1.5, "text", [], [1, {"a": None}], {}, {"deep": {"er": [""]}}])
    def test_payload_is_any_json_value(self, acme, payload) -> None:
        answer = acme.post("/requests", {"type": "X", "payload": payload})
        assert acme.get(f"/requests/{answer['requestId']}")["payload"] == payload

    @pytest.mark.parametrize(
        "body",
        [{}, {"type": ""}, {"type": "no blanks"}, {"type": "X" * 65}, {"type": 7}, {"type": "X", "status": "COMPLETED"}, []],
    )
    def test_bad_body_is_refused_field_by_field(self, acme, body) -> None:
        assert acme.post("/requests", body, expect=422)["code"] == "validation_error"

    def test_partner_is_told(self, acme, emitted) -> None:
        acme.post("/requests", {"type": "X"})
        assert emitted() == ["request.submitted"]

    def test_same_idempotency_key_gives_the_same_request(self, acme) -> None:
        first, second = (acme.post("/requests", {"type": "X"}, **{"Idempotency-Key": "one"}) for _ in range(2))
        assert first == second
        assert len(acme.get("/requests")["data"]) == 1


class TestList:
    def test_newest_first_by_cursor(self, acme) -> None:
        made = [acme.post("/requests", {"type": "X"})["requestId"] for _ in range(3)]
        first = acme.get("/requests?limit=2")
        rest = acme.get(f"/requests?limit=2&cursor={first['next_cursor']}")
        assert [row["requestId"] for row in first["data"] + rest["data"]] == made[::-1]
        assert rest["next_cursor"] is None

    def test_filters_by_type_and_status(self, acme) -> None:
        wanted = acme.post("/requests", {"type": "WANTED"})["requestId"]
        acme.post("/requests", {"type": "OTHER"})
        assert [row["requestId"] for row in acme.get("/requests?type=WANTED&status=SUBMITTED")["data"]] == [wanted]
        assert acme.get("/requests?status=COMPLETED")["data"] == []

    @pytest.mark.parametrize("query", ["state=SUBMITTED", "status=submitted", "ordering=payload", "partner_id=ptn_x"])
    def test_what_it_does_not_know_is_refused(self, acme, query) -> None:
        assert acme.get(f"/requests?{query}", expect=422)["code"] == "validation_error"


class TestTenancy:
    def test_stranger_cannot_tell_that_it_exists(self, acme, globex) -> None:
        mine = acme.post("/requests", {"type": "X"})["requestId"]
        assert globex.get(f"/requests/{mine}", expect=404)["code"] == "not_found"
        assert globex.get("/requests")["data"] == []

    def test_other_environment_is_another_world(self, acme) -> None:
        from dataclasses import replace

        mine = acme.post("/requests", {"type": "X"})["requestId"]
        assert replace(acme, environment="test").get(f"/requests/{mine}", expect=404)["code"] == "not_found"

    def test_scopes_are_wanted(self, acme) -> None:
        from dataclasses import replace

        reader = replace(acme, scopes=("requests:read",))
        assert reader.post("/requests", {"type": "X"}, expect=403)["scope"] == "requests:write"
        assert replace(acme, scopes=("requests:write",)).get("/requests", expect=403)["scope"] == "requests:read"
