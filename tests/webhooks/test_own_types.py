"""Operators' own event types: added, changed by version, retired, restored; each event keeps the version it was written under."""

from typing import Any

import pytest

from core import audit
from core.models import Event
from core.relay import link
from partners.models import Partner
from tests.callers import Caller
from tests.webhooks.steps import make_endpoint, seal_all
from webhooks import compatibility
from webhooks.models import EventType

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
MORE = {**SCHEMA, "properties": {**SCHEMA["properties"], "note": {"type": "string"}}}
OTHER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}


@pytest.fixture
def operator() -> Caller:
    return Caller("operator", scopes=("events:write",))


@pytest.fixture
def lesson(operator: Caller) -> str:
    body = {"name": "lesson.started", "description": "A lesson.", "schema": SCHEMA, "example": {"n": 1}}
    operator.post("/event-types", body)
    return "/event-types/lesson.started"


def publish(operator: Caller, expect: int = 202, **facts: Any) -> Any:
    return operator.post("/events", {"type": "lesson.started", **facts}, expect=expect)


class TestChange:
    def test_compatible_schema_keeps_the_version(self, operator: Caller, lesson: str) -> None:
        changed = operator.patch(lesson, {"schema": MORE, "description": "A lesson began."})
        assert (changed["version"], changed["schema"], changed["description"]) == (1, MORE, "A lesson began.")
        assert [each["version"] for each in changed["versions"]] == [1]

    def test_surprising_schema_is_refused_and_names_the_places(self, operator: Caller, lesson: str) -> None:
        problem = operator.patch(lesson, {"schema": OTHER, "example": {"id": "a"}}, expect=422)
        assert {error["pointer"] for error in problem["errors"]} == {"/schema/properties/n", "/schema/required"}
        assert EventType.objects.get().schema == SCHEMA

    def test_new_version_is_asked_for_and_earlier_events_keep_theirs(self, operator: Caller, lesson: str, acme: Partner) -> None:
        first = publish(operator, data={"n": 1}, partner_id=acme.public_id)
        changed = operator.patch(lesson, {"schema": OTHER, "example": {"id": "a"}, "new_version": True})
        assert [(each["version"], each["schema"]) for each in changed["versions"]] == [(2, OTHER), (1, SCHEMA)]
        second = publish(operator, data={"id": "a"}, partner_id=acme.public_id)
        program = Caller("key", acme.pk, scopes=("webhooks:read",))
        assert [program.get(f"/events/{event['id']}")["type_version"] for event in (first, second)] == [1, 2]
        assert program.get(lesson)["versions"][1]["example"] == {"n": 1}

    def test_publishing_by_an_earlier_version_goes_on(self, operator: Caller, lesson: str) -> None:
        operator.patch(lesson, {"schema": OTHER, "example": {"id": "a"}, "new_version": True})
        problem = publish(operator, 422, data={"n": 1})
        assert [error["pointer"] for error in problem["errors"]] == ["/data"]
        publish(operator, data={"n": 1}, version=1)
        assert Event.objects.get(type="lesson.started").type_version == 1
        assert publish(operator, 422, data={"n": 1}, version=3)["errors"][0]["pointer"] == "/version"

    def test_version_is_part_of_the_chain(self, operator: Caller, lesson: str) -> None:
        operator.patch(lesson, {"new_version": True})
        publish(operator, data={"n": 1})
        seal_all()
        assert audit.verify().intact
        event = Event.objects.get(type="lesson.started")
        event.type_version = 1
        assert link(event, number=event.number, previous=bytes(event.previous_hash)) != bytes(event.hash)

    def test_example_that_does_not_fit_is_refused(self, operator: Caller, lesson: str) -> None:
        assert operator.patch(lesson, {"example": {"n": "x"}}, expect=422)["errors"][0]["pointer"] == "/example/n"

    def test_platform_s_types_stay_as_they_are(self, operator: Caller) -> None:
        for method, path in (("PATCH", ""), ("POST", "/retire"), ("POST", "/restore")):
            assert operator.send(method, f"/event-types/course.completed{path}", {}).status_code == 404
        assert operator.get("/event-types/course.completed")["subscribers"] == {"endpoints": 0, "partners": 0}


@pytest.mark.parametrize("reference", ["#", "#/nowhere", "https://example.com/schema.json"])
def test_reference_that_leads_nowhere_is_refused(operator: Caller, reference: str) -> None:
    body = {"name": "lesson.started", "description": "A lesson.", "schema": {"$ref": reference}}
    assert operator.post("/event-types", body, expect=422)["errors"][0]["pointer"] == "/schema"


class TestRetire:
    def test_needs_a_yes_while_endpoints_want_it(self, operator: Caller, lesson: str, acme: Partner, globex: Partner) -> None:
        make_endpoint(acme, "https://acme.example/hooks", "lesson.*")
        make_endpoint(globex, "https://globex.example/hooks", "user.created")
        problem = operator.post(f"{lesson}/retire", {}, expect=409)
        assert "1 endpoint: Acme (1)" in problem["detail"]
        assert not Event.objects.filter(type="event_type.retired").exists()
        assert operator.post(f"{lesson}/retire", {"confirm": True}, expect=200)["retired"]
        assert Event.objects.get(type="event_type.retired").data == {"name": "lesson.started", "endpoints": 1, "partners": 1}

    def test_retired_type_is_not_published_until_restored(self, operator: Caller, lesson: str) -> None:
        operator.post(f"{lesson}/retire", {}, expect=200)
        assert publish(operator, 422, data={"n": 1})["errors"][0]["code"] == "retired_event_type"
        operator.patch(lesson, {"description": "x"}, expect=409)
        operator.post(f"{lesson}/retire", {}, expect=409)
        assert not operator.post(f"{lesson}/restore", expect=200)["retired"]
        publish(operator, data={"n": 1})

    def test_it_stays_in_the_catalogue(self, operator: Caller, lesson: str, acme: Partner) -> None:
        operator.post(f"{lesson}/retire", {}, expect=200)
        assert Caller("key", acme.pk).get(lesson)["retired"] is True


@pytest.mark.parametrize("verb", ["PATCH", "retire", "restore"])
def test_partner_cannot_change_types(operator: Caller, lesson: str, acme: Partner, verb: str) -> None:
    partner = Caller("key", acme.pk)
    method, path = ("PATCH", lesson) if verb == "PATCH" else ("POST", f"{lesson}/{verb}")
    assert partner.send_to(method, f"/api/operator/v1{path}", {}).status_code == 404
    row = EventType.objects.get()
    assert (row.version, row.retired_at) == (1, None)


class TestCompatibility:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ({}, {"type": "string"}),
            ({"type": "object"}, {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
            ({"properties": {"a": {}}}, {"properties": {"a": {"type": "string"}, "b": {}}}),
            ({"type": "number"}, {"type": "integer", "title": "N"}),
            ({"type": ["string", "null"]}, {"type": "string", "maxLength": 9}),
            ({"enum": ["a", "b"]}, {"enum": ["a"]}),
            ({"items": {"type": "number"}}, {"items": {"type": "integer"}, "minItems": 1}),
        ],
    )
    def test_narrower_surprises_nobody(self, old: Any, new: Any) -> None:
        assert compatibility.breaks(old, new) == []

    @pytest.mark.parametrize(
        ("old", "new", "places"),
        [
            ({"type": "string"}, {}, ["/type"]),
            ({"type": "integer"}, {"type": "number"}, ["/type"]),
            ({"required": ["a"]}, {"required": []}, ["/required"]),
            ({"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "null"}}}, ["/properties/a/type"]),
            ({"properties": {"a": {}}}, {}, ["/properties/a"]),
            ({"additionalProperties": False}, {"additionalProperties": False, "properties": {"a": {}}}, ["/properties/a"]),
            ({"enum": ["a"]}, {"enum": ["a", "b"]}, ["/enum"]),
            ({"items": {}}, {"items": {}, "prefixItems": [{}]}, ["/prefixItems"]),
            ({"minLength": 2}, {"minLength": 1}, ["/minLength"]),
            ({"items": {"type": "string"}}, {}, ["/items"]),
            ({"type": "string"}, True, [""]),
        ],
    )
    def test_wider_or_unknown_is_a_break(self, old: Any, new: Any, places: list[str]) -> None:
        assert compatibility.breaks(old, new) == places
