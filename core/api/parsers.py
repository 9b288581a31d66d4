"""Reading JSON strictly: UTF-8, no duplicate names, no NaN, no NUL, bounded depth (RFC 8259, RFC 7493)."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext_lazy as _
from rest_framework.parsers import BaseParser

from core.problems import BodyTooLarge, MalformedRequest

DEEPEST = 64
LARGEST = 10 * 1024 * 1024


class StrictJSONParser(BaseParser):
    """`application/json` of at most 10 MiB; raises MalformedRequest with the place of the mistake."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise BodyTooLarge(limit=LARGEST)
        return loads(raw)


def loads(raw: bytes) -> Any:
    """The JSON value in `raw`; raises MalformedRequest."""
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise MalformedRequest(_("The body is not UTF-8.")) from error
    except json.JSONDecodeError as error:
        detail = _("The body is not JSON: {reason} at line {line}, column {column}.")
        raise MalformedRequest(detail, reason=error.msg, line=error.lineno, column=error.colno) from error
    except (RecursionError, ValueError) as error:
        raise MalformedRequest(_("The body is JSON that can't be taken: too deep, or a number that is none.")) from error
    _inspect(value, 0)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedRequest(_("The body has an object with the same name twice."))
    return found


def _refuse_constant(name: str) -> None:
    raise MalformedRequest(_("The body holds {name}, which is not JSON."), name=name)


def _finite(digits: str) -> float:
    """Raises MalformedRequest beyond what a double holds: `1e999` would be read as infinity (RFC 7493, section 2.2)."""
    number = float(digits)
    if not math.isfinite(number):
        raise MalformedRequest(_("The body has a number that is too large."))
    return number


def _inspect(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise MalformedRequest(_("The body is nested deeper than {limit} levels."), limit=DEEPEST)
    if isinstance(value, str):
        if "\x00" in value:
            raise MalformedRequest(_("The body has a text with a NUL character."))
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise MalformedRequest(_("The body has a text with half a surrogate pair."))
    elif isinstance(value, dict):
        for name, inner in value.items():
            _inspect(name, depth)
            _inspect(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _inspect(inner, depth + 1)
