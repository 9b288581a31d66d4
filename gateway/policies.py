"""The limits that hold for one caller, and how the answers' headers speak of them."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from gateway.exchanges import Headers


class Rate(NamedTuple):
    """So many calls a minute, by this name in the headers and under this key in Redis."""

    name: str
    key: str
    limit: int


class Policies:
    """Rates of one caller, and the calls a month that its quota allows (None: no limit). Their header texts are made once."""

    __slots__ = ("_header", "_limits", "_with_month", "_without_month", "quota", "rates")

    def __init__(self, rates: Sequence[Rate], quota: int | None = None) -> None:
        self.rates = rates
        self.quota = quota
        self._limits = [b"%d" % rate.limit for rate in rates]
        said = [f'"{rate.name}";q={rate.limit};w=60' for rate in rates] + ([] if quota is None else [f'"month";q={quota}'])
        self._header = (b"ratelimit-policy", ", ".join(said).encode())
        self._without_month = ", ".join(f'"{rate.name}";r=%d;t=%d' for rate in rates).encode()
        self._with_month = self._without_month + b', "month";r=%d;t=%d'

    def headers(self, left: Sequence[int], used: int, month_left: int) -> Headers:
        """RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-09), and the older X-RateLimit ones, whose
        Reset is a time in Unix seconds; these speak of the rate with the fewest calls left.

        `left` has calls left and seconds until all are back of each rate; `used` calls of the month (-1: unknown) and the
        seconds until it ends.
        """
        if self.quota is not None and used >= 0:
            said = self._with_month % (*left, max(0, self.quota - used), month_left)
        else:
            said = self._without_month % (*left,)
        calls = left[::2]
        least = calls.index(min(calls))
        return [
            self._header,
            (b"ratelimit", said),
            (b"x-ratelimit-limit", self._limits[least]),
            (b"x-ratelimit-remaining", b"%d" % calls[least]),
            (b"x-ratelimit-reset", b"%d" % (time.time() + left[2 * least + 1])),
        ]
