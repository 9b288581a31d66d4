"""Whether receivers that were written for one JSON Schema can take what fits another.

They can if data of the new schema fits the old one too. That can't be decided for all schemas, so this knows a few changes that
only narrow what data may be, and takes every other one for a break.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from core.schemas import pointer

# Say something of the data, but ask nothing.
_WORDS = frozenset({"$comment", "$schema", "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"})
# A schema that gets one of these lets through less than before, whatever else stands in it.
_NARROWING = frozenset(
    {
        "const",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
    }
    | {
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "type",
        "uniqueItems",
    }
)
_REST = ("additionalProperties", "unevaluatedProperties")


def breaks(old: Any, new: Any) -> list[str]:
    """The places in the schemas (JSON Pointers) where a receiver may be surprised; none if it can't be."""
    return list(dict.fromkeys(pointer(path) for path in _breaks(old, new, ())))


def _breaks(old: Any, new: Any, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if old is True or new is False or old == new:
        return
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        yield at
        return
    before = {word: value for word, value in old.items() if word not in _WORDS}
    after = {word: value for word, value in new.items() if word not in _WORDS}
    if not before:
        return
    yield from ((*at, word) for word in after.keys() - before.keys() - _NARROWING)
    yield from _of_properties(before, after, (*at, "properties"))
    for word, value in before.items():
        if word == "required":
            yield from ((*at, word) for name in value if name not in after.get(word, ()))
        elif word == "items" and word in after:
            yield from _breaks(value, after[word], (*at, word))
        elif word in {"type", "enum"}:
            if not _is_part(after.get(word), value):
                yield (*at, word)
        elif word != "properties" and after.get(word, ...) != value:
            yield (*at, word)


def _of_properties(before: Mapping[str, Any], after: Mapping[str, Any], at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    old, new = before.get("properties", {}), after.get("properties", {})
    for name, schema in old.items():
        if name in new:
            yield from _breaks(schema, new[name], (*at, name))
        else:
            yield (*at, name)
    for name in new.keys() - old.keys():
        for rest in _REST:
            yield from _breaks(before.get(rest, True), new[name], (*at, name))


def _is_part(new: Any, old: Any) -> bool:
    """Whether a `type` or `enum` allows nothing that the old one doesn't."""
    if new is None:
        return False
    olds, news = (value if isinstance(value, list) else [value] for value in (old, new))
    return all(value in olds or (value == "integer" and "number" in olds) for value in news)
