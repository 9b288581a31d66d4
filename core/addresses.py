"""Where a user's address may lead: an explicit table of networks that are refused, and one strict reading of URLs.

`ipaddress.is_global` is no guard: it lets `::127.0.0.1`, `64:ff9b::7f00:1`, `2002:a9fe:a9fe::1` and `fec0::1` pass. So
every network of IANA's special-purpose registries (IPv4 and IPv6, RFC 6890) stands here, with those that clouds use
inside; of IPv6, only assigned global unicast (2000::/3) is let through at all. An IPv4 address that is carried in an
IPv6 one is judged as what it is.
"""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from yarl import URL

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL = 2_000
LOOKUP_TIMEOUT = 5.0
# Names are looked up in threads of their own, so that dead name servers hold up nothing else.
LOOKUPS = ThreadPoolExecutor(128, thread_name_prefix="lookup")
_AUTHORITY = re.compile(r"^[^:]*://([^/?#]*).*$", re.DOTALL)


class Refused(Exception):
    """The platform doesn't send there, whoever asks; `reason` says why, in words for the one who gave the address."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


_THIS_HOST = _("the host itself")
_LOOPBACK = _("the loopback network")
_PRIVATE = _("a private network")
_LINK_LOCAL = _("a link-local network")
_SHARED = _("a carrier's shared network")
_SPECIAL = _("a network for protocol assignments")
_DOCUMENTATION = _("a network for documentation")
_BENCHMARK = _("a network for benchmarks")
_MULTICAST = _("a multicast network")
_RESERVED = _("a reserved network")
_RELAY = _("a network of relays")
_TUNNEL = _("a tunnel that hides an IPv4 address")
_CLOUD = _("a cloud provider's inner network")

# Metadata and wire servers of clouds, looked at first because some lie within networks that `LOCAL` may open.
INNER: dict[str, Promise] = {
    "168.63.129.16/32": _CLOUD,
    "fd00:ec2::/32": _CLOUD,
    "fd20:ce::/64": _CLOUD,
}
# Reachable only where `ALLOW_LOCAL_TARGETS` is on.
LOCAL: dict[str, Promise] = {
    "127.0.0.0/8": _LOOPBACK,
    "10.0.0.0/8": _PRIVATE,
    "172.16.0.0/12": _PRIVATE,
    "192.168.0.0/16": _PRIVATE,
    "::1/128": _LOOPBACK,
    "fc00::/7": _PRIVATE,
}
# Some providers number their customers' inner networks so.
CARRIERS: dict[str, Promise] = {"100.64.0.0/10": _SHARED}
# Never reachable: the rest of both registries.
NEVER: dict[str, Promise] = {
    # IANA IPv4 Special-Purpose Address Registry
    "0.0.0.0/8": _THIS_HOST,
    "169.254.0.0/16": _LINK_LOCAL,
    "192.0.0.0/24": _SPECIAL,
    "192.0.2.0/24": _DOCUMENTATION,
    "192.31.196.0/24": _RELAY,
    "192.52.193.0/24": _RELAY,
    "192.88.99.0/24": _RELAY,
    "192.175.48.0/24": _RELAY,
    "198.18.0.0/15": _BENCHMARK,
    "198.51.100.0/24": _DOCUMENTATION,
    "203.0.113.0/24": _DOCUMENTATION,
    "224.0.0.0/4": _MULTICAST,
    "240.0.0.0/4": _RESERVED,
    # IANA IPv6 Special-Purpose Address Registry
    "::/128": _THIS_HOST,
    "::/96": _TUNNEL,
    "::ffff:0:0:0/96": _TUNNEL,
    "64:ff9b:1::/48": _TUNNEL,
    "100::/64": _RESERVED,
    "100:0:0:1::/64": _RESERVED,
    "2001::/32": _TUNNEL,
    "2001::/23": _SPECIAL,
    "2001:db8::/32": _DOCUMENTATION,
    "2002::/16": _TUNNEL,
    "2620:4f:8000::/48": _RELAY,
    "3ffe::/16": _RESERVED,
    "3fff::/20": _DOCUMENTATION,
    "5f00::/16": _RESERVED,
    "fe80::/10": _LINK_LOCAL,
    "fec0::/10": _PRIVATE,
    "ff00::/8": _MULTICAST,
}
_TABLE: list[tuple[Network, Promise, bool, bool]] = [
    (ip_network(text), what, part is LOCAL, part is LOCAL or part is CARRIERS)
    for part in (INNER, LOCAL, CARRIERS, NEVER)
    for text, what in part.items()
]
"""Networks, in words, and whether `ALLOW_LOCAL_TARGETS` and `PRIVATE_UPSTREAMS` can open them."""
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# IPv4 addresses in IPv6 spelling: mapped (RFC 4291), and translated by NAT64 (RFC 6052), which serves true global ones.
_WRAPPERS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

# 80, 443, and everything an application may listen on. Below 1024 live mail, shells and directories; those listed are
# databases, caches, brokers and control planes, and what browsers refuse too (the Fetch standard's bad ports).
WEB_PORTS = frozenset({80, 443})
FIRST_FREE_PORT = 1024
REFUSED_PORTS = frozenset(
    {1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190, 5060, 5061, 5432, 5672, 5900}
    | {5984, 6000, 6379, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9042, 9200, 9300, 10080, 10250, 11211, 27017}
)
_INNER_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".intranet", ".lan", ".corp", ".home")


def require_public(text: str, *, private: bool = False) -> None:
    """Raises Refused unless a packet to this address leaves for the public internet, or local targets are allowed, or it is in
    one of the installation's `PRIVATE_UPSTREAMS` and for an API of the operator's own (`private`)."""
    if "%" in text:
        raise Refused(_said(text, _LINK_LOCAL))
    address = _unwrapped(ip_address(text))
    for network, what, local, openable in _TABLE:
        if address in network:
            if local and settings.ALLOW_LOCAL_TARGETS:
                return
            if private and openable and any(address in own for own in settings.PRIVATE_UPSTREAMS):
                return
            raise Refused(_said(text, what))
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        raise Refused(_said(text, _RESERVED))


def read_url(text: str, *, require_tls: bool = False, private: bool = False) -> URL:
    """The one reading of a user's URL, used for checking and sending alike; `private` ones as in `require_public`.

    Raises Refused for anything but http and https with a plain host on an open port: sign-ins, blanks, other spellings
    of IPv4 addresses, names that only an inner network knows, and plain http where TLS is required.
    """
    if len(text) > LONGEST_URL:
        raise Refused(str(_("The address is longer than {most} characters.")).format(most=LONGEST_URL))
    if "\\" in text or any(letter <= " " or letter == "\x7f" for letter in text):
        raise Refused(str(_("The address has blanks, control characters or backslashes.")))
    try:
        url = URL(text)
        host, port = url.raw_host or "", url.port
    except ValueError as error:
        raise Refused(str(_("This is no web address."))) from error
    if url.scheme not in {"http", "https"} or not host:
        raise Refused(str(_("The address must begin with https:// and name a host.")))
    if require_tls and url.scheme != "https" and not settings.ALLOW_LOCAL_TARGETS:
        raise Refused(str(_("The address must begin with https://, because what is sent to it is live data.")))
    if "@" in _AUTHORITY.sub(r"\1", text, count=1):
        raise Refused(str(_("The address must not hold a user name or password.")))
    _require_port(port)
    _require_host(host, private)
    return url.with_fragment(None)


def check_url(text: str, *, require_tls: bool = False, private: bool = False) -> None:
    """Raises Refused if the platform would not send to this URL; for forms, when the address is given.

    A name that can't be looked up now passes: it may come up later, and it is judged again at each connection.
    """
    url = read_url(text, require_tls=require_tls, private=private)
    host = url.raw_host or ""
    try:
        found = LOOKUPS.submit(look_up, host, url.port or 0).result(timeout=LOOKUP_TIMEOUT)
    except (OSError, UnicodeError, TimeoutError):
        return
    for address in found:
        require_public(address, private=private)


def look_up(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError or UnicodeError where there is none."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def _require_port(port: int | None) -> None:
    is_ours = settings.ALLOW_LOCAL_TARGETS and port == URL(settings.BASE_URL).port  # a demo calls itself, at whatever port
    if port in WEB_PORTS or is_ours:
        return
    if not port or port < FIRST_FREE_PORT or port in REFUSED_PORTS:
        raise Refused(str(_("Port {port} is not open for this. Use 443, 80, or an application's port.")).format(port=port or 0))


def _require_host(host: str, private: bool) -> None:
    if ":" in host:
        try:
            require_public(host, private=private)
        except AddressValueError as error:
            raise Refused(str(_("This is no IPv6 address."))) from error
        return
    name = host.rstrip(".").lower()
    if _looks_numeric(name):
        try:
            require_public(str(IPv4Address(name)), private=private)
        except AddressValueError as error:
            raise Refused(str(_("IPv4 addresses are written as four decimal numbers."))) from error
        if name != host:
            raise Refused(str(_("IPv4 addresses are written as four decimal numbers.")))
        return
    if any(ord(letter) > 126 for letter in name) or not name or ".." in host:
        raise Refused(str(_("This is no name of a host.")))
    inner = "." not in name or name.endswith(_INNER_SUFFIXES)
    known = settings.ALLOW_LOCAL_TARGETS or (private and settings.PRIVATE_UPSTREAMS)
    if inner and not known:
        raise Refused(str(_("{host} is a name that only an inner network knows.")).format(host=host))


def _looks_numeric(name: str) -> bool:
    """Whether a URL parser would take the host for an IPv4 address: its last label is a number (WHATWG URL, 3.5)."""
    last = name.rsplit(".", 1)[-1]
    if last.isascii() and last.isdigit():
        return True
    return last.startswith("0x") and all(letter in "0123456789abcdef" for letter in last[2:])


def _unwrapped(address: Address) -> Address:
    if isinstance(address, IPv6Address) and any(address in wrapper for wrapper in _WRAPPERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _said(text: str, what: str | Promise) -> str:
    return str(_("{address} is in {network}, which can't be reached from here.")).format(address=text, network=what)
