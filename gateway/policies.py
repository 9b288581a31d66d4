"""The limits that hold for one caller, and how the answers' headers speak of them."""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from core.models import Environment

_MONTH = '"month";r=%d;t=%d'
_OLDER = "x-ratelimit-limit: %d\r\nx-ratelimit-remaining: %d\r\nx-ratelimit-reset: %d\r\n"


class Rate(NamedTuple):
    """So many calls a minute, by this name in the headers and under this key in Redis."""

    name: str
    key: str
    limit: int


@lru_cache(maxsize=10_000)
def _texts(rates: tuple[tuple[str, int], ...], quota: int | None, environment: str) -> tuple[list[int], bytes, bytes]:
    """The limits, and the header lines to be filled in, without and with the month. Callers of one tier share them."""
    said = [f'"{name}";q={limit};w=60' for name, limit in rates] + ([] if quota is None else [f'"month";q={quota}'])
    left = [f'"{name}";r=%d;t=%d' for name, _ in rates]
    test = "x-portico-environment: test\r\n" if environment == Environment.TEST else ""
    begin = f"{test}ratelimit-policy: {', '.join(said)}\r\nratelimit: "
    without, with_month = f"{begin}{', '.join(left)}\r\n{_OLDER}", f"{begin}{', '.join([*left, _MONTH])}\r\n{_OLDER}"
    return [limit for _, limit in rates], without.encode(), with_month.encode()


class Policies:
    """Rates of one caller, and the calls a month that its quota allows (None: no limit). Their header texts are made once;
    those of a test credential say so."""

    __slots__ = ("_limits", "_with_month", "_without_month", "quota", "rates")

    def __init__(self, rates: Sequence[Rate], quota: int | None = None, environment: str = Environment.LIVE) -> None:
        self.rates = rates
        self.quota = quota
        self._limits, self._without_month, self._with_month = _texts(
            tuple((rate.name, rate.limit) for rate in rates), quota, environment
        )

    def lines(self, left: Sequence[int], used: int, month_left: int) -> bytes:
        """RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-09), and the older X-RateLimit ones, whose
        Reset is a time in Unix seconds; these speak of the rate with the fewest calls left.

        `left` has calls left and seconds until all are back of each rate; `used` calls of the month (-1: unknown) and the
        seconds until it ends.
        """
        calls = left[::2]
        least = calls.index(min(calls))
        older = self._limits[least], calls[least], time.time() + left[2 * least + 1]
        if self.quota is not None and used >= 0:
            return self._with_month % (*left, max(0, self.quota - used), month_left, *older)
        return self._without_month % (*left, *older)
