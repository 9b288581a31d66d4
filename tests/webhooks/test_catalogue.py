"""Every fact that webhooks tell is described: words, JSON Schema, example, version; and what is emitted fits it."""

import pytest
import structlog
from django.db import transaction
from jsonschema import Draft202012Validator

from core import events, schemas
from core.events import TYPES, EventType, MisfittingPayload
from core.models import Event
from partners.event_types import PARTNER_UPDATED

TOLD = sorted((kind for kind in TYPES.values() if not kind.internal), key=lambda kind: kind.name)


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
def test_every_type_has_words_schema_and_a_fitting_example(kind: EventType) -> None:
    Draft202012Validator.check_schema(kind.schema)
    described = kind.schema["properties"]
    assert str(kind.description).endswith(".")
    assert kind.version >= 1
    assert kind.example.keys() <= described.keys()
    assert set(kind.schema.get("required", ())) <= described.keys()
    assert schemas.misfits(kind.schema, events.normal(kind.example)) == []


@pytest.mark.django_db
class TestPlatformPayloads:
    MISFIT = {"id": 7, "changes": {"website": ["", "https://acme.example/?token=secret"]}}

    def test_misfit_is_an_error_in_tests(self) -> None:
        with pytest.raises(MisfittingPayload, match="/id: type"), transaction.atomic():
            events.emit(type=PARTNER_UPDATED, data=self.MISFIT)
        assert not Event.objects.exists()

    def test_misfit_is_written_down_elsewhere_and_the_log_says_where(self, settings) -> None:
        settings.STRICT_EVENTS = False
        with structlog.testing.capture_logs() as lines, transaction.atomic():
            event = events.emit(type=PARTNER_UPDATED, data=self.MISFIT)
        assert event.data == self.MISFIT
        (line,) = [line for line in lines if line["event"] == "event_misfits_schema"]
        assert (line["type"], line["version"], line["places"]) == ("partner.updated", 1, ["/id: type"])
        assert "secret" not in str(line)


class TestMisfits:
    def test_places_are_json_pointers(self) -> None:
        schema = {"properties": {"a/b": {"items": {"type": "integer"}}, "at": {"format": "date-time"}}}
        found = schemas.misfits(schema, {"a/b": [1, "x"], "at": "2026-01-31T12:00:00"})
        assert [(each.pointer, each.keyword) for each in found] == [("/a~1b/1", "type"), ("/at", "format")]

    def test_at_most_twenty_are_named(self) -> None:
        assert len(schemas.misfits({"items": {"type": "string"}}, list(range(1_000)))) == schemas.MOST
