"""Webhooks through the gateway, as partners' programs and the operator's back end use them."""

import pytest

from local.sink import Sink
from tests.platform import Api, Gateway, Member, member
from tests.webhooks.steps import NOWHERE, deliver, seal_all

COMPLETED = {"course_id": "c_1", "user_id": "u_1", "completed_at": "2026-01-31T12:00:00Z"}


@pytest.fixture
def acme(gateway: Gateway) -> Member:
    return member(gateway, "Acme")


@pytest.fixture
def globex(gateway: Gateway) -> Member:
    return member(gateway, "Globex")


def add(partner: Member, sink: Sink, *event_types: str) -> str:
    made = partner.api.post("/webhooks", {"url": sink.url, "event_types": event_types or ["*"]}).expect(201)
    sink.secret = made["secret"]
    return str(made["id"])


def publish(
    operator: Api, partner: Member | None, type: str = "course.completed", data: object = COMPLETED, **more: object
) -> str:
    body = {"type": type, "data": data, **({"partner_id": partner.partner.public_id} if partner else {}), **more}
    return str(operator.post("/events", body).expect(202)["id"])


class TestEndpoints:
    def test_secret_is_shown_once(self, acme: Member, sink: Sink) -> None:
        made = acme.api.post("/webhooks", {"url": sink.url, "event_types": ["course.*"], "description": "d"}).expect(201)
        assert made["secret"].startswith("whsec_")
        found = acme.api.get(f"/webhooks/{made['id']}").expect(200)
        assert "secret" not in found.json
        assert (found["url"], found["event_types"], found["status"]) == (sink.url, ["course.*"], "active")
        assert [row["id"] for row in acme.api.get("/webhooks").expect(200)["data"]] == [made["id"]]

    def test_health_is_shown(self, acme: Member, sink: Sink) -> None:
        found = acme.api.get(f"/webhooks/{add(acme, sink)}").expect(200)["health"]
        assert found == {
            "circuit": "closed",
            "failures_in_a_row": 0,
            "failing_since": None,
            "next_try_at": None,
            "disabled_from": None,
            "last_error": "",
        }

    def test_options_are_checked_shown_and_changed(self, acme: Member, sink: Sink) -> None:
        options = {"filter": {"data.course_id": ["c_1"]}, "headers": {"Authorization": "Bearer hdr-of-the-api-test"}}
        made = acme.api.post("/webhooks", {"url": sink.url, "event_types": ["*"], **options}).expect(201)
        found = acme.api.get(f"/webhooks/{made['id']}").expect(200)
        assert (found["filter"], found["headers"]) == (options["filter"], {"authorization": "•••"})
        bad = acme.api.patch(f"/webhooks/{made['id']}", {"filter": {"data.x": [{"like": "y"}]}}).expect_problem(
            422, "validation_error"
        )
        assert bad["errors"][0]["pointer"] == "/filter/data.x/0"
        changed = acme.api.patch(f"/webhooks/{made['id']}", {"filter": {}, "headers": {}}).expect(200)
        assert (changed["filter"], changed["headers"]) == ({}, {})

    def test_limits_and_order(self, operator: Api, acme: Member, globex: Member, sink: Sink) -> None:
        limits = {"rate_per_second": 10, "concurrency": 2, "fifo": True}
        made = acme.api.post("/webhooks", {"url": sink.url, "event_types": ["course.*"], **limits}).expect(201)
        path = f"/webhooks/{made['id']}"
        found = acme.api.get(path).expect(200)
        assert {name: found[name] for name in limits} == limits
        for name, bad in (("rate_per_second", 0), ("rate_per_second", 1_001), ("concurrency", 21), ("fifo", "perhaps")):
            [error] = acme.api.patch(path, {name: bad}).expect_problem(422, "validation_error")["errors"]
            assert error["pointer"] == f"/{name}"
        globex.api.patch(path, {"fifo": False}).expect_problem(404, "not_found")
        for _ in range(2):
            publish(operator, acme, subject="course-7")
        seal_all()
        [first, second] = reversed(acme.api.get(f"{path}/deliveries").expect(200)["data"])
        assert self.attempted(sink) == [first["event_id"]]
        assert acme.api.get(f"/deliveries/{second['id']}").expect(200)["status"] == "pending"
        assert self.attempted(sink) == [second["event_id"]]
        assert acme.api.get("/events?subject=course-7").expect(200)["data"][0]["subject"] == "course-7"
        changed = acme.api.patch(path, {"rate_per_second": None, "concurrency": None, "fifo": False}).expect(200)
        assert {name: changed[name] for name in limits} == {"rate_per_second": None, "concurrency": None, "fifo": False}

    def attempted(self, sink: Sink) -> list[str]:
        return [outcome.claimed.message_id for outcome in deliver() if outcome.claimed.url == sink.url]

    def test_waiting_in_order_has_no_time(self, acme: Member, operator: Api) -> None:
        made = acme.api.post("/webhooks", {"url": NOWHERE, "event_types": ["course.*"], "fifo": True}).expect(201)
        for _ in range(2):
            publish(operator, acme, subject="course-7")
        deliver()
        [second, first] = acme.api.get(f"/webhooks/{made['id']}/deliveries").expect(200)["data"]
        assert first["next_attempt_at"]
        assert second["next_attempt_at"] is None

    def test_idempotent_answer_leaves_the_secret_out(self, acme: Member, sink: Sink) -> None:
        body, headers = {"url": sink.url, "event_types": ["*"]}, {"Idempotency-Key": "once"}
        first = acme.api.post("/webhooks", body, headers=headers).expect(201)
        again = acme.api.post("/webhooks", body, headers=headers).expect(201)
        assert again["id"] == first["id"]
        assert "secret" not in again.json
        assert again.headers["idempotent-replayed"] == "true"

    def test_change_pause_enable_remove(self, acme: Member, sink: Sink) -> None:
        endpoint = add(acme, sink)
        changed = acme.api.patch(f"/webhooks/{endpoint}", {"event_types": ["payment.processed"]}).expect(200)
        assert changed["event_types"] == ["payment.processed"]
        assert acme.api.post(f"/webhooks/{endpoint}/pause").expect(200)["status"] == "paused"
        acme.api.post(f"/webhooks/{endpoint}/pause").expect_problem(409, "conflict")
        assert acme.api.post(f"/webhooks/{endpoint}/enable", {"send_held": False}).expect(200)["status"] == "active"
        acme.api.delete(f"/webhooks/{endpoint}").expect(204)
        acme.api.get(f"/webhooks/{endpoint}").expect_problem(404, "not_found")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"url": "ftp://example.com/", "event_types": ["*"]}, "/url"),
            ({"url": "https://169.254.169.254/latest", "event_types": ["*"]}, "/url"),
            ({"url": "https://example.com:22/", "event_types": ["*"]}, "/url"),
            ({"url": "https://example.com/", "event_types": []}, "/event_types"),
            ({"url": "https://example.com/", "event_types": ["*", "cuorse.*"]}, "/event_types/1"),
            ({"url": "https://example.com/", "event_types": ["*"], "secret": "x"}, "/secret"),
            ({"url": "https://example.com/", "event_types": ["*"], "status": "active"}, "/status"),
        ],
    )
    def test_bad_input_is_named(self, acme: Member, body: dict[str, object], pointer: str) -> None:
        problem = acme.api.post("/webhooks", body).expect_problem(422, "validation_error")
        assert [error["pointer"] for error in problem["errors"]] == [pointer]

    def test_stranger_and_other_environment_see_nothing(self, acme: Member, globex: Member, sink: Sink) -> None:
        endpoint = add(acme, sink)
        for api in (globex.api, acme.test_api):
            for path in ("", "/deliveries", "/stats"):
                api.get(f"/webhooks/{endpoint}{path}").expect_problem(404, "not_found")
            for verb in ("pause", "enable", "rotate-secret", "test", "replay"):
                api.post(f"/webhooks/{endpoint}/{verb}", {}).expect_problem(404, "not_found")
            api.patch(f"/webhooks/{endpoint}", {"description": "x"}).expect_problem(404, "not_found")
            api.delete(f"/webhooks/{endpoint}").expect_problem(404, "not_found")
            assert api.get("/webhooks").expect(200)["data"] == []

    def test_scope_is_needed(self, acme: Member, gateway: Gateway, sink: Sink) -> None:
        reader = Api(gateway, acme.key(scopes=["webhooks:read"]).text)
        reader.get("/webhooks").expect(200)
        refused = reader.post("/webhooks", {"url": sink.url, "event_types": ["*"]})
        assert refused.expect_problem(403, "insufficient_scope")["scope"] == "webhooks:write"


class TestPublish:
    def test_to_one_partner(self, operator: Api, acme: Member, globex: Member, sink: Sink) -> None:
        endpoint = add(acme, sink, "course.*")
        with Sink() as other:
            add(globex, other, "*")
            event = publish(operator, acme)
            deliver()
            arrived = sink.wait_for("course.completed")
            assert arrived["verified"]
            assert (arrived["id"], arrived["body"]["partner_id"]) == (event, acme.partner.public_id)
            assert not [delivery for delivery in other.deliveries if delivery["id"] == event]
        listed = acme.api.get(f"/webhooks/{endpoint}/deliveries?status=succeeded").expect(200)["data"]
        assert [row["event_id"] for row in listed] == [event]
        detail = acme.api.get(f"/deliveries/{listed[0]['id']}").expect(200)
        assert detail["endpoint_id"] == endpoint
        assert [(attempt["status_code"], attempt["number"]) for attempt in detail["attempts"]] == [(204, 1)]
        for query in (f"endpoint={endpoint}", f"id={event}", "answer=2xx", "event_type=course.*&status=succeeded"):
            assert [row["event_id"] for row in acme.api.get(f"/deliveries?{query}").expect(200)["data"]] == [event]
            assert event not in str(globex.api.get(f"/deliveries?{query}").expect(200)["data"])
        acme.api.get("/deliveries?answer=abc").expect_problem(422, "validation_error")
        globex.api.get(f"/deliveries/{listed[0]['id']}").expect_problem(404, "not_found")
        globex.api.post(f"/deliveries/{listed[0]['id']}/retry").expect_problem(404, "not_found")
        globex.api.get(f"/events/{event}").expect_problem(404, "not_found")

    def test_to_every_partner(self, operator: Api, acme: Member, globex: Member, sink: Sink) -> None:
        with Sink() as other:
            add(acme, sink)
            add(globex, other)
            event = publish(operator, None)
            deliver(most=500)
            assert sink.wait_for("course.completed")["id"] == event
            assert other.wait_for("course.completed")["body"]["partner_id"] == globex.partner.public_id
        assert acme.api.get(f"/events/{event}").expect(200)["data"] == COMPLETED
        assert acme.test_api.get(f"/events/{event}").status == 404

    def test_same_key_publishes_once(self, operator: Api, acme: Member) -> None:
        once = publish(operator, acme, idempotency_key="k1")
        assert publish(operator, acme, idempotency_key="k1") == once
        assert publish(operator, acme, idempotency_key="k2") != once
        body = {"type": "user.created", "partner_id": acme.partner.public_id, "data": {"user_id": "u"}, "idempotency_key": "k1"}
        operator.post("/events", body).expect_problem(422, "idempotency_mismatch")

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({"type": "course.completed", "data": {"course_id": "c"}}, "/data"),
            ({"type": "course.completed", "data": {**COMPLETED, "completed_at": "yesterday"}}, "/data/completed_at"),
            ({"type": "course.completed", "data": {**COMPLETED, "course_id": 7}}, "/data/course_id"),
            ({"type": "no.such", "data": {}}, "/type"),
            ({"type": "webhook.created", "data": {"endpoint_id": "whk_x", "url": "https://x.example"}}, "/type"),
            ({"type": "operator.token_issued", "data": {}}, "/type"),
            ({"type": "user.created", "data": {"user_id": "u"}, "partner_id": "ptn_nobody"}, "/partner_id"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, operator: Api, body: dict[str, object], pointer: str) -> None:
        problem = operator.post("/events", body).expect_problem(422, "validation_error")
        assert pointer in {error["pointer"] for error in problem["errors"]}

    def test_own_event_types(self, operator: Api, acme: Member, sink: Sink) -> None:
        name = f"lesson.{acme.partner.slug.replace('-', '_')}"
        schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
        body = {"name": name, "description": "A lesson.", "schema": schema, "example": {"n": 1}}
        operator.post("/event-types", body).expect(201)
        operator.post("/event-types", body).expect_problem(409, "conflict")
        assert acme.api.get(f"/event-types/{name}").expect(200)["schema"] == schema
        assert name in {row["name"] for row in acme.api.get("/event-types").expect(200)["data"]}
        add(acme, sink, name)
        operator.post("/events", {"type": name, "data": {"n": "x"}}).expect_problem(422, "validation_error")
        publish(operator, acme, name, {"n": 2})
        deliver()
        assert sink.wait_for(name)["body"]["data"] == {"n": 2}

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "course.completed"},
            {"name": "webhook.mine"},
            {"name": "Bad Name"},
            {"schema": {"type": "nonsense"}},
            {"schema": {"$ref": "https://example.com/schema.json"}},
            {"schema": {"type": "object", "required": ["a"]}, "example": {}},
        ],
    )
    def test_bad_event_type_is_refused(self, operator: Api, change: dict[str, object]) -> None:
        body = {"name": "bad.type", "description": "x", **change}
        assert operator.post("/event-types", body).status in {409, 422}

    def test_partner_cannot_publish(self, acme: Member, gateway: Gateway) -> None:
        headers = {"X-API-Key": acme.key().text}
        answer = gateway.post("/api/operator/v1/events", {"type": "user.created", "data": {"user_id": "u"}}, headers=headers)
        assert answer.status in {401, 403, 404}


class TestAfterwards:
    def test_test_event_goes_to_this_endpoint_alone(self, acme: Member, sink: Sink) -> None:
        with Sink() as other:
            add(acme, other)
            endpoint = add(acme, sink)
            sent = acme.api.post(f"/webhooks/{endpoint}/test", {"event_type": "mentor.matched"}).expect(202)
            deliver()
            assert sink.wait_for("mentor.matched")["id"] == sent["event_id"]
            assert not [delivery for delivery in other.deliveries if delivery["type"] == "mentor.matched"]
        assert acme.api.get(f"/deliveries/{sent['delivery_id']}").expect(200)["status"] == "succeeded"
        problem = acme.api.post(f"/webhooks/{endpoint}/test", {"event_type": "no.such"}).expect_problem(422, "validation_error")
        assert problem["errors"][0]["pointer"] == "/event_type"
        own = {"event_type": "mentor.matched", "data": {"mentor_id": "mine", "user_id": "u"}}
        acme.api.post(f"/webhooks/{endpoint}/test", own).expect(202)
        deliver()
        assert sink.deliveries[-1]["body"]["data"] == own["data"]
        own["data"] = {"mentor_id": "mine"}
        problem = acme.api.post(f"/webhooks/{endpoint}/test", own).expect_problem(422, "validation_error")
        assert problem["errors"][0]["pointer"] == "/data"

    def test_rotate_secret(self, acme: Member, sink: Sink) -> None:
        endpoint = add(acme, sink)
        rotated = acme.api.post(f"/webhooks/{endpoint}/rotate-secret", {"overlap_seconds": 60}).expect(200)
        assert rotated["secret"] != sink.secret
        sink.secret = rotated["secret"]
        acme.api.post(f"/webhooks/{endpoint}/test", {}).expect(202)
        deliver()
        assert sink.wait_for("webhook.test")["verified"]

    def test_overlap_is_ended(self, acme: Member, sink: Sink) -> None:
        endpoint = add(acme, sink)
        rotated = acme.api.post(f"/webhooks/{endpoint}/rotate-secret", {"overlap_seconds": 60}).expect(200)
        assert rotated["previous_secret_until"]
        assert acme.api.post(f"/webhooks/{endpoint}/end-overlap").expect(200)["previous_secret_until"] is None
        acme.api.post(f"/webhooks/{endpoint}/end-overlap").expect_problem(409, "conflict")

    def test_private_key_is_shown_to_nobody(self, acme: Member, sink: Sink) -> None:
        body = {"url": sink.url, "event_types": ["*"], "signature": "ed25519"}
        made = acme.api.post("/webhooks", body).expect(201)
        assert (made["signature"], made["secret"], made["public_key"][:5]) == ("ed25519", None, "whpk_")
        found = acme.api.get(f"/webhooks/{made['id']}").expect(200)
        assert found["public_key"] == made["public_key"]
        acme.api.patch(f"/webhooks/{made['id']}", {"signature": "hmac"}).expect_problem(422, "validation_error")
        sink.secret = made["public_key"]
        acme.api.post(f"/webhooks/{made['id']}/test", {}).expect(202)
        deliver()
        assert sink.wait_for("webhook.test")["verified"]

    def test_rotate_to_the_other_kind_and_back(self, acme: Member, sink: Sink) -> None:
        endpoint = add(acme, sink)
        rotated = acme.api.post(f"/webhooks/{endpoint}/rotate-secret", {"signature": "ed25519"}).expect(200)
        assert (rotated["signature"], rotated["secret"], rotated["public_key"][:5]) == ("ed25519", None, "whpk_")
        again = acme.api.post(f"/webhooks/{endpoint}/rotate-secret", {}).expect(200)
        assert (again["signature"], again["previous_public_key"]) == ("ed25519", rotated["public_key"])
        back = acme.api.post(f"/webhooks/{endpoint}/rotate-secret", {"signature": "hmac", "overlap_seconds": 0}).expect(200)
        assert back["secret"].startswith("whsec_")
        assert (back["public_key"], back["previous_public_key"], back["previous_secret_until"]) == ("", "", None)
        acme.api.post(f"/webhooks/{endpoint}/rotate-secret", {"signature": "rsa"}).expect_problem(422, "validation_error")

    def test_replay_and_retry(self, operator: Api, acme: Member, sink: Sink) -> None:
        endpoint = add(acme, sink, "course.*", "user.*")
        event = publish(operator, acme)
        publish(operator, acme, "user.created", {"user_id": "u"})
        deliver()
        assert len(sink.deliveries) == 2
        counted = acme.api.post(f"/webhooks/{endpoint}/replay", {"event_types": ["course.*"], "dry_run": True})
        assert counted.expect(202)["matched"] == 1
        assert acme.api.post(f"/webhooks/{endpoint}/replay", {"only_failed": True}).expect(202)["matched"] == 0
        assert acme.api.post(f"/webhooks/{endpoint}/replay", {"event_types": ["course.*"]}).expect(202)["matched"] == 1
        deliver()
        assert [delivery["id"] for delivery in sink.deliveries].count(event) == 2
        replay = acme.api.get(f"/webhooks/{endpoint}/replays").expect(200)["data"][0]
        assert (replay["matched"], replay["progress"], replay["deliveries"]["succeeded"]) == (1, 100, 1)
        assert acme.api.get(f"/replays/{replay['id']}").expect(200)["endpoint_id"] == endpoint
        assert acme.api.post(f"/replays/{replay['id']}/cancel").expect(200)["status"] == "cancelled"
        acme.api.post(f"/replays/{replay['id']}/cancel").expect_problem(409, "conflict")
        delivery = acme.api.get(f"/webhooks/{endpoint}/deliveries?event_type=course.completed").expect(200)["data"][0]
        acme.api.post(f"/deliveries/{delivery['id']}/retry").expect(202)
        assert acme.api.post(f"/events/{event}/replay", {}).expect(202)["matched"] == 1
        deliver()
        assert [delivery["id"] for delivery in sink.deliveries].count(event) == 3
        stats = acme.api.get(f"/webhooks/{endpoint}/stats").expect(200)
        assert stats["deliveries"]["succeeded"] == 2
        assert stats["success_rate"] == 1.0
        assert stats["attempts"] == 4

    def test_events_are_polled(self, operator: Api, acme: Member) -> None:
        made = [publish(operator, acme, "user.created", {"user_id": f"u_{number}"}) for number in range(3)]
        seal_all()
        page = acme.api.get("/events?type=user.created&limit=2&ordering=created_at").expect(200)
        rest = acme.api.get(f"/events?type=user.created&limit=2&ordering=created_at&cursor={page['next_cursor']}").expect(200)
        mine = [row for row in page["data"] + rest["data"] if row["id"] in made]
        assert [row["data"]["user_id"] for row in mine] == ["u_0", "u_1", "u_2"][: len(mine)]
        listed = acme.api.get("/events").expect(200)["data"]
        assert {row["id"] for row in listed} >= set(made)
        assert not [row for row in listed if row["type"].startswith("operator.")]
        acme.api.get("/events?colour=red").expect_problem(422, "validation_error")

    def test_audit_check(self, operator: Api, acme: Member) -> None:
        publish(operator, acme)
        seal_all()
        report = operator.get(f"/audit/check?partner_id={acme.partner.public_id}").expect(200)
        assert report["intact"] is True
        assert report["events"] >= 1
        assert report["first_broken"] is None
