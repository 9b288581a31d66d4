"""How many connections there are, in all and of each address."""

from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from gateway.addresses import limited_as, parsed

MOST_CONNECTIONS = 20_000


class Crowd:
    """The connections of one process. An address (an IPv6 /64) may have `most`, this machine and whom it `trusts` any number."""

    def __init__(self, most: int = MOST_CONNECTIONS, trusts: Callable[[str], bool] = lambda peer: False) -> None:
        self.refused: Counter[str] = Counter()
        """Connections that were closed at once, by why: `address` (it has too many), `all` (the process has)."""
        self._most = most
        self._all = 0
        self._of: dict[str, int] = {}
        self._counted_as = lru_cache(maxsize=4_096)(lambda peer: "" if _is_local(peer) or trusts(peer) else limited_as(peer))

    def enter(self, peer: str) -> bool:
        """Whether another one from there may stay; whoever stays will `leave`."""
        counted_as = self._counted_as(peer)
        if self._all >= MOST_CONNECTIONS:
            self.refused["all"] += 1
            return False
        if counted_as:
            open_now = self._of.get(counted_as, 0)
            if open_now >= self._most:
                self.refused["address"] += 1
                return False
            self._of[counted_as] = open_now + 1
        self._all += 1
        return True

    def leave(self, peer: str) -> None:
        """One that stayed is gone."""
        counted_as = self._counted_as(peer)
        self._all -= 1
        if counted_as:
            left = self._of[counted_as] - 1
            if left:
                self._of[counted_as] = left
            else:
                del self._of[counted_as]


def _is_local(peer: str) -> bool:
    """Whether it is this machine: loopback, or a Unix socket, which has no address."""
    address = parsed(peer)
    return address is None or address.is_loopback
