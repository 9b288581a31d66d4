"""What JSON data doesn't fit its JSON Schema (draft 2020-12), place by place."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry

MOST = 20

_formats = FormatChecker(formats=())


@dataclass(frozen=True, slots=True)
class Misfit:
    """A place in the data (a JSON Pointer), the keyword of the schema that it doesn't meet, and why in words."""

    pointer: str
    keyword: str
    detail: str


def misfits(schema: Mapping[str, Any], data: Any) -> list[Misfit]:
    """The first MOST of them; none if the data fits. Raises Unresolvable for a reference out of the schema."""
    found = []
    for error in _validator(json.dumps(schema, sort_keys=True)).iter_errors(data):
        found.append(Misfit(pointer(error.absolute_path), str(error.validator), error.message[:300]))
        if len(found) == MOST:
            break
    return found


def pointer(path: Any) -> str:
    """The steps to a place as a JSON Pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


@functools.lru_cache(maxsize=512)
def _validator(schema: str) -> Draft202012Validator:
    # No retrieval: what a reference doesn't find in the schema itself is not fetched from anywhere.
    return Draft202012Validator(json.loads(schema), format_checker=_formats, registry=Registry())


def _is_date_time(value: object) -> bool:
    """RFC 3339: date, time and offset."""
    return not isinstance(value, str) or (datetime.fromisoformat(value).tzinfo is not None and value[10:11] in {"T", "t"})


_formats.checks("date-time", raises=ValueError)(_is_date_time)
