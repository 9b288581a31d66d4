"""Address lists as people write them: IPv4 and IPv6, single addresses and networks in CIDR notation (RFC 4632, RFC 4291)."""

import ipaddress
from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

MOST = 100


def parse(entries: Sequence[str]) -> tuple[list[str], dict[str, list[str]] | list[str]]:
    """The entries in their one spelling, without repetitions, and what is wrong with which (by index); one of them is empty."""
    if len(entries) > MOST:
        return [], [str(_("At most {most} entries.")).format(most=MOST)]
    found: list[str] = []
    mistakes: dict[str, list[str]] = {}
    for index, entry in enumerate(entries):
        try:
            spelled = _spelled(entry.strip())
        except ValueError as error:
            mistakes[str(index)] = [str(error)]
        else:
            found += [spelled] if spelled not in found else []
    return ([], mistakes) if mistakes else (found, [])


def allow(entries: Sequence[str], address: str) -> bool:
    """Whether a call from this address passes a list as `parse` spells it; an empty list lets everything pass."""
    given = ipaddress.ip_address(address)
    given = getattr(given, "ipv4_mapped", None) or given
    return not entries or any(given in ipaddress.ip_network(entry) for entry in entries)


def _spelled(entry: str) -> str:
    """One entry as it is kept. Raises ValueError with a sentence for whoever typed it."""
    try:
        interface = ipaddress.ip_interface(entry)
    except ValueError as error:
        raise ValueError(str(_("{entry} is no IPv4 or IPv6 address or network.")).format(entry=entry)) from error
    if "%" in entry:
        raise ValueError(str(_("{entry} has a zone, which means nothing here.")).format(entry=entry))
    mapped = getattr(interface.ip, "ipv4_mapped", None)
    if mapped is not None:
        if interface.network.prefixlen < 96:
            raise ValueError(str(_("{entry} mixes IPv4 and IPv6.")).format(entry=entry))
        interface = ipaddress.ip_interface(f"{mapped}/{interface.network.prefixlen - 96}")
    network = interface.network
    if interface.ip != network.network_address:
        text = _(
            "{entry} names an address inside a network. Write {network} for the network, or {address} for the address alone."
        )
        raise ValueError(str(text).format(entry=entry, network=network, address=interface.ip))
    if network.prefixlen == 0:
        raise ValueError(str(_("{entry} is every address. Leave the list empty to allow all.")).format(entry=entry))
    return str(interface.ip) if network.num_addresses == 1 else str(network)
