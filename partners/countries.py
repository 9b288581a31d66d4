"""Countries by the two letters of ISO 3166-1, with their names from CLDR."""

from functools import cache
from unicodedata import normalize

from babel import Locale
from django.utils.translation import get_language, to_locale

# What CLDR names besides: groups, outlying parts that a country's own code covers, and places made up for tests.
_OTHERS = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])


def name(code: str) -> str:
    """What people call it; the code itself where nobody knows it."""
    return names().get(code, code)


def names() -> dict[str, str]:
    """Every country by its code, in the order of the names, in the language of the reader."""
    return _names(to_locale(get_language() or "en"))


@cache
def _names(locale: str) -> dict[str, str]:
    found = {str(code): str(name) for code, name in Locale.parse(locale).territories.items()}
    countries = {code: name for code, name in found.items() if len(code) == 2 and code.isalpha() and code not in _OTHERS}
    return dict(sorted(countries.items(), key=lambda entry: normalize("NFKD", entry[1])))
