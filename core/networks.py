"""Addresses and networks: one spelling of each, and a quick way to find an address among very many networks."""

import ipaddress
from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read(text: str) -> Network:
    """What somebody wrote: an address or a network, IPv4 in one spelling however it is written.

    Raises ValueError with a sentence for whoever wrote it.
    """
    entry = text.strip()
    try:
        interface = ipaddress.ip_interface(entry)
    except ValueError as error:
        raise ValueError(str(_("{entry} is no IPv4 or IPv6 address or network.")).format(entry=entry)) from error
    if "%" in entry:
        raise ValueError(str(_("{entry} has a zone, which means nothing here.")).format(entry=entry))
    mapped = getattr(interface.ip, "ipv4_mapped", None)
    if mapped is not None and interface.network.prefixlen >= 96:
        interface = ipaddress.ip_interface(f"{mapped}/{interface.network.prefixlen - 96}")
    if interface.ip != interface.network.network_address:
        text = str(_("{entry} names an address inside a network. Did you mean {network}, or {address} alone?"))
        raise ValueError(text.format(entry=entry, network=interface.network, address=interface.ip))
    return interface.network


def spelled(network: Network) -> str:
    """As it is kept: an address for a network of one."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def around(text: str) -> list[str]:
    """Every network, as it is spelled, that this address or network lies in, itself included; none for anything else."""
    try:
        inner = read(text)
    except ValueError:
        return []
    return [spelled(inner.supernet(new_prefix=length)) for length in range(inner.prefixlen, -1, -1)]


class Networks:
    """Networks, each until a time (Unix seconds); an address is looked up once for each length of prefix that is in use."""

    def __init__(self, entries: Iterable[tuple[str, float]]) -> None:
        by_shift: dict[int, dict[int, dict[int, float]]] = {4: {}, 6: {}}
        for text, until in entries:
            network = ipaddress.ip_network(text)
            shift = network.max_prefixlen - network.prefixlen
            table = by_shift[network.version].setdefault(shift, {})
            start = int(network.network_address) >> shift
            table[start] = max(until, table.get(start, 0.0))
        self._tables = {version: list(tables.items()) for version, tables in by_shift.items()}
        self.count = sum(len(table) for tables in self._tables.values() for _, table in tables)

    def until(self, address: Address) -> float:
        """Until when the address is in one of them; 0.0 if it is in none."""
        number = int(address)
        return max((table.get(number >> shift, 0.0) for shift, table in self._tables[address.version]), default=0.0)
