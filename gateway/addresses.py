"""The client's address: the socket's, unless that is a proxy the installation trusts."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
UNKNOWN = ""
LOCAL = "local"
"""The peer at our own Unix socket: only a proxy of ours can open that."""


class Addresses:
    """Reads addresses by the networks of the trusted proxies; nobody else's forwarding headers are believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self.trusted = tuple(ipaddress.ip_network(network) for network in trusted)

    def trusts(self, peer: str) -> bool:
        """Whether the peer is one of our proxies."""
        return peer == LOCAL or (bool(self.trusted) and self._is_proxy(parsed(peer)))

    def client(self, peer: str, forwarded: bytes) -> str:
        """The last address of the chain that is not one of our proxies'; UNKNOWN if the chain can't be read."""
        if not self.trusts(peer):
            return normal(peer)
        for candidate in reversed([part.strip() for part in forwarded.decode("latin-1").split(",") if part.strip()]):
            address = parsed(candidate)
            if address is None:
                return UNKNOWN
            if not self._is_proxy(address):
                return str(address)
        return normal(peer)

    def _is_proxy(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self.trusted)


@lru_cache(maxsize=4_096)
def parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, an IPv4 one also where it is written as IPv6 (`::ffff:192.0.2.1`); None for anything else."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4_096)
def normal(text: str) -> str:
    """One spelling of an address."""
    address = parsed(text)
    return UNKNOWN if address is None else str(address)


@lru_cache(maxsize=4_096)
def limited_as(text: str) -> str:
    """What a limit per address counts: the address, or its /64 of IPv6, which one customer has whole."""
    address = parsed(text)
    if address is None:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
