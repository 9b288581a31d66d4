"""Filters on what an event says, written as Amazon EventBridge's event patterns: `{"data.amount": [{"numeric": [">", 100]}]}`.

Each path leads into `data` and names a list of which one has to fit: a value, or a test (`prefix`, `suffix`, `exists`,
`numeric`, `anything-but`, `equals-ignore-case`).
All paths have to fit. Where a list stands on the way, one of its items is enough.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.events import UnstorablePayload, normal
from core.problems import ValidationError

Filter = Mapping[str, Any]

ROOT = "data"
MOST_PATHS = 20
MOST_TESTS = 50
MOST_NAMES = 8
LARGEST = 4_000
LONGEST_NUMBER = 100

COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "=": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}
TEXT_TESTS: dict[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": lambda text, wanted: text.casefold() == wanted.casefold(),
}


def matches(filter: Filter, data: Mapping[str, Any]) -> bool:
    """Whether an event with this data passes a filter that was checked; the empty one lets everything pass."""
    return all(_path_fits(path, tests, data) for path, tests in filter.items())


def checked(given: Any) -> dict[str, Any]:
    """The filter. Raises ValidationError that names the place of each mistake."""
    errors = list(_mistakes(given))
    if errors:
        raise ValidationError(
            [{"pointer": f"/filter{pointer}", "code": "bad_filter", "detail": str(detail)} for pointer, detail in errors]
        )
    return dict(given)


def _path_fits(path: str, tests: list[Any], data: Mapping[str, Any]) -> bool:
    found = list(_values(data, path.split(".")[1:]))
    return any(_fits(test, found) for test in tests)


def _values(value: Any, names: list[str]) -> Iterator[Any]:
    """What stands at a path, the items of lists one by one."""
    if isinstance(value, list):
        for item in value:
            yield from _values(item, names)
    elif not names:
        yield value
    elif isinstance(value, dict) and names[0] in value:
        yield from _values(value[names[0]], names[1:])


def _fits(test: Any, found: list[Any]) -> bool:
    if not isinstance(test, dict):
        return any(_same(value, test) for value in found)
    [(name, wanted)] = test.items()
    match name:
        case "exists":
            return bool(found) is wanted
        case "numeric":
            return any(_compares(value, wanted) for value in found)
        case "anything-but":
            return any(not _is_one_of(value, wanted) for value in found)
    return any(isinstance(value, str) and TEXT_TESTS[name](value, wanted) for value in found)


def _is_one_of(value: Any, excluded: Any) -> bool:
    if isinstance(excluded, dict):
        return _fits(excluded, [value])
    return any(_same(value, one) for one in (excluded if isinstance(excluded, list) else [excluded]))


def _same(value: Any, wanted: Any) -> bool:
    """Equal as JSON has it: `true` is not 1."""
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def _compares(value: Any, wanted: list[Any]) -> bool:
    number = _number(value)
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return number is not None and all(COMPARISONS[sign](number, Decimal(str(bound))) for sign, bound in pairs)


def _number(value: Any) -> Decimal | None:
    """A number, or a text that is one: amounts of money are sent as "49.00"."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(text := str(value)) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _mistakes(given: Any) -> Iterator[tuple[str, Any]]:
    """Where something is wrong, as a JSON pointer into the filter, and what."""
    if not isinstance(given, dict):
        yield "", _("A filter is a JSON object: paths, each with a list of what fits.")
    elif not _is_storable(given):
        yield "", _("A filter can't hold NUL characters, half surrogate pairs or numbers without end.")
    elif len(given) > MOST_PATHS or len(json.dumps(given)) > LARGEST:
        yield "", _("A filter may have 20 paths and 4,000 characters at most.")
    else:
        for path, tests in given.items():
            yield from _mistakes_of_path(path, tests)


def _is_storable(given: Any) -> bool:
    try:
        normal(given)
    except UnstorablePayload:
        return False
    return True


def _mistakes_of_path(path: str, tests: Any) -> Iterator[tuple[str, Any]]:
    pointer = "/" + path.replace("~", "~0").replace("/", "~1")
    root, *names = path.split(".")
    if root != ROOT or not names or not all(names) or len(names) > MOST_NAMES:
        yield pointer, _("A path begins with data and has 1 to 8 names after it: data.amount.currency.")
    if not isinstance(tests, list) or not 1 <= len(tests) <= MOST_TESTS:
        yield pointer, _("Give a list of 1 to 50 values or tests; one of them has to fit.")
        return
    for place, test in enumerate(tests):
        if mistake := _mistake_of_test(test):
            yield f"{pointer}/{place}", mistake


def _mistake_of_test(test: Any) -> Any:
    if _is_plain(test):
        return None
    if not isinstance(test, dict) or len(test) != 1:
        return _("Give a text, a number, true, false, null, or an object with one test.")
    [(name, wanted)] = test.items()
    if name in TEXT_TESTS:
        return None if isinstance(wanted, str) and wanted else _("The test wants a text.")
    match name:
        case "exists":
            return None if isinstance(wanted, bool) else _("exists is true or false.")
        case "numeric":
            return None if _is_comparison(wanted) else _('numeric is written [">", 100] or [">=", 0, "<", 5].')
        case "anything-but":
            return None if _is_excluded(wanted) else _("anything-but takes a value, a list of values, or a prefix or suffix.")
    return _("There is no such test. There are prefix, suffix, equals-ignore-case, exists, numeric and anything-but.")


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _is_comparison(wanted: Any) -> bool:
    if not isinstance(wanted, list) or len(wanted) not in {2, 4}:
        return False
    signs, bounds = wanted[::2], wanted[1::2]
    numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)
    return numbers and all(isinstance(sign, str) and sign in COMPARISONS for sign in signs)


def _is_excluded(wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return len(wanted) == 1 and set(wanted) <= set(TEXT_TESTS) and _mistake_of_test(wanted) is None
    return _is_plain(wanted) or (isinstance(wanted, list) and 1 <= len(wanted) <= MOST_TESTS and all(map(_is_plain, wanted)))
