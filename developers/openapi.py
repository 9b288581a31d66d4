"""The OpenAPI document, made once a process for each version it is asked for."""

import hashlib
import threading
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.settings import patched_settings

VERSIONS = {"3.1": "3.1.0", "3.1.0": "3.1.0", "3.0": "3.0.3", "3.0.3": "3.0.3"}
NEWEST = "3.1.0"


@dataclass(frozen=True, slots=True)
class Document:
    """The document in both of its spellings; `etag` changes when it does."""

    json: bytes
    yaml: bytes
    etag: str


_documents: dict[str, Document] = {}
_lock = threading.Lock()


def document(version: str = NEWEST) -> Document:
    """The document in OpenAPI `version`, a value of VERSIONS."""
    # The generator's settings are global while it works, so one works at a time.
    with _lock:
        if version not in _documents:
            _documents[version] = _make(version)
        return _documents[version]


def _make(version: str) -> Document:
    with patched_settings({"OAS_VERSION": version, "SERVERS": [{"url": settings.BASE_URL}]}):
        found = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # untyped there
        if version.startswith("3.0"):
            found = _in_3_0(found)
        as_json = OpenApiJsonRenderer().render(found)
        as_yaml = OpenApiYamlRenderer().render(found)  # type: ignore[no-untyped-call]  # untyped there
    return Document(as_json, as_yaml, f'"{hashlib.sha256(as_json).hexdigest()[:32]}"')


def _in_3_0(part: Any) -> Any:
    """The same in OpenAPI 3.0, where a schema has one `type`, null is `nullable`, and a constant is an `enum` of one."""
    if isinstance(part, list):
        return [_in_3_0(each) for each in part]
    if not isinstance(part, dict):
        return part
    spelled = {name: _in_3_0(value) for name, value in part.items()}
    kinds = spelled.get("type")
    if isinstance(kinds, list):
        others = [kind for kind in kinds if kind != "null"]
        spelled.pop("type")
        spelled |= {"type": others[0]} if len(others) == 1 else {"anyOf": [_one(kind) for kind in others]}
        spelled |= {"nullable": True} if "null" in kinds else {}
    if "const" in spelled and not isinstance(spelled["const"], dict):
        spelled["enum"] = [spelled.pop("const")]
    return spelled


def _one(kind: str) -> dict[str, Any]:
    return {"type": kind, "items": {}} if kind == "array" else {"type": kind}
