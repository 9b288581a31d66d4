"""The OpenAPI document is valid in both versions, and says of every operation what a client must know."""

import json

import pytest
import yaml
from django.test import Client
from drf_spectacular.validation import validate_schema

from core.api.operations import operations

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("query", "version"), [("", "3.1.0"), ("&version=3.0", "3.0.3"), ("&version=3.1", "3.1.0")])
def test_document_is_valid(client: Client, query: str, version: str) -> None:
    document = client.get(f"/api/schema?format=json{query}").json()
    validate_schema(document)
    assert document["openapi"] == version


def test_yaml_says_the_same(client: Client) -> None:
    as_yaml = yaml.safe_load(client.get("/api/schema?format=yaml").content)
    assert as_yaml == json.loads(client.get("/api/schema?format=json").content)


def test_it_is_not_sent_again_when_it_did_not_change(client: Client) -> None:
    first = client.get("/api/schema?format=json")
    again = client.get("/api/schema?format=json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("query", ["version=2.0", "format=xml"])
def test_what_it_cannot_give_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/api/schema?{query}").json()["code"] == "validation_error"


def test_every_operation_is_in_it_with_scope_and_refusals(client: Client) -> None:
    paths = client.get("/api/schema?format=json").json()["paths"]
    for operation in operations():
        described = paths[operation.path][operation.method.lower()]
        assert described.get("x-scope") == operation.scope, operation.name
        assert described["responses"]["default"] == {"$ref": "#/components/responses/Problem"}, operation.name
        assert described["operationId"], operation.name


def test_operation_ids_are_unique(client: Client) -> None:
    paths = client.get("/api/schema?format=json").json()["paths"]
    found = [operation["operationId"] for path in paths.values() for operation in path.values() if isinstance(operation, dict)]
    assert len(found) == len(set(found))


def test_every_parameter_and_tag_is_told_in_words(client: Client) -> None:
    found = client.get("/api/schema").json()
    operations = [operation for path in found["paths"].values() for operation in path.values()]
    untold = {each["name"] for operation in operations for each in operation.get("parameters", []) if not each.get("description")}
    assert not untold
    tags = {tag for operation in operations for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in found["tags"]}
