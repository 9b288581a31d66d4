"""Each event type has a page that anybody may read, and all of them are in the AsyncAPI document."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft7Validator

from core.actors import SYSTEM
from core.events import TYPES
from developers.event_types import Field, fields
from webhooks import own_types

pytestmark = pytest.mark.django_db

SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"type": "integer", "minimum": 1}, "by": {"$ref": "#/$defs/person"}},
    "$defs": {"person": {"type": "object", "properties": {"name": {"type": "string"}}}},
}


@pytest.fixture
def lesson() -> Any:
    row = own_types.create(name="lesson.started", description="A <b>lesson</b>.", schema=SCHEMA, example={"n": 1}, by=SYSTEM)
    return own_types.change(event_type=row, schema={"type": "object"}, example={"title": "x"}, new_version=True, by=SYSTEM)


class TestPages:
    def test_list_links_to_every_type_that_webhooks_tell(self, client: Client) -> None:
        page = client.get("/developers/events/").content.decode()
        for kind in TYPES.values():
            assert (f'href="/developers/events/{kind.name}"' in page) is not kind.internal
        assert "Somebody finished a course." in page

    def test_list_is_searched_by_words_and_family(self, client: Client) -> None:
        def names(query: str) -> list[str]:
            found = client.get(f"/developers/events/?{query}").context["families"]
            return [kind.name for family in found for kind in family.kinds]

        assert names("q=mentor+found") == ["mentor.matched"]
        assert names("family=user") == ["user.created", "user.updated"]
        assert names("q=no-such-word") == []

    def test_page_shows_fields_example_and_earlier_versions(self, client: Client, lesson: Any) -> None:
        page = client.get("/developers/events/lesson.started").content.decode()
        assert "The data, version 2" in page
        assert "The data, version 1" in page
        assert '<code class="break-words">n</code>' in page
        assert "<b>lesson</b>" not in page
        course = client.get("/developers/events/course.completed").content.decode()
        assert "string (date-time)" in course
        assert "Algorithms" not in course

    def test_internal_and_unknown_types_have_none(self, client: Client) -> None:
        for name in ("operator.token_issued", "no.such"):
            assert client.get(f"/developers/events/{name}").status_code == 404

    def test_schema_as_rows(self) -> None:
        nested = {
            "required": ["lines"],
            "properties": {"lines": {"type": "array", "items": {"properties": {"sku": {"enum": ["a", "b"]}}}}},
        }
        assert list(fields(nested)) == [
            Field("lines", "list of anything", True, ""),
            Field("lines[].sku", "a | b", False, ""),
        ]


class TestAsyncApi:
    def test_document_is_what_asyncapi_asks_for(self, client: Client, lesson: Any) -> None:
        answer = client.get("/api/asyncapi.json")
        document = answer.json()
        kept = Path(__file__).parent / "asyncapi" / "3.0.0.json.gz"
        found = Draft7Validator(json.loads(gzip.decompress(kept.read_bytes()))).iter_errors(document)
        assert [(list(error.path), error.message[:200]) for error in found] == []
        told = {kind.name for kind in TYPES.values() if not kind.internal} | {"lesson.started"}
        assert document["components"]["messages"].keys() == told
        assert client.get("/api/asyncapi.json", headers={"If-None-Match": answer["ETag"]}).status_code == 304

    def test_references_lead_somewhere(self, client: Client) -> None:
        own_types.create(name="lesson.started", description="A lesson.", schema=SCHEMA, example={"n": 1}, by=SYSTEM)
        document = client.get("/api/asyncapi.json").json()
        for reference in _references(document):
            place = document
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        assert "#/components/messages/lesson.started/payload/properties/data/$defs/person" in set(_references(document))


def _references(part: Any) -> Any:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
