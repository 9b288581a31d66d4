"""Where an application may have people sent back to: exact addresses (RFC 9700, section 2.1; RFC 8252, section 7)."""

from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from django.utils.translation import gettext_lazy as _

MOST = 10
LONGEST = 500
# Loopback addresses, where programs on a person's own machine listen. Of the numbered ones the port may differ each time.
NUMBERED = frozenset({"127.0.0.1", "::1"})
LOOPBACK = NUMBERED | {"localhost"}


def mistakes(addresses: Sequence[str]) -> dict[str, list[str]] | list[str]:
    """What is wrong with which (by index), or with all of them; empty if they may be registered."""
    if len(addresses) > MOST:
        return [str(_("At most {most} addresses.")).format(most=MOST)]
    found = {str(index): [str(said)] for index, address in enumerate(addresses) if (said := _mistake(address))}
    if not found and len(set(addresses)) != len(addresses):
        return [str(_("An address is listed twice."))]
    return found


def is_registered(address: str, registered: Sequence[str]) -> bool:
    """Whether it is one of them: character by character, but for the port of a loopback address (RFC 8252, section 7.3)."""
    if address in registered:
        return True
    if _mistake(address):
        return False
    parts = urlsplit(address)
    if parts.scheme != "http" or parts.hostname not in NUMBERED:
        return False
    return any(_without_port(parts) == _without_port(urlsplit(each)) for each in registered)


def source(address: str) -> str:
    """The origin of an address, as a Content-Security-Policy names it."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _without_port(parts: SplitResult) -> tuple[str, str | None, str, str]:
    return parts.scheme, parts.hostname, parts.path, parts.query


def _mistake(address: str) -> str:
    """What is wrong with one of them, in a sentence; empty if nothing is."""
    if len(address) > LONGEST or not address.isascii() or not address.isprintable() or set(address) & set(' "<>\\^`{|};,'):
        return str(_("This is no plain address: ASCII only, without blanks, quotes, commas or semicolons."))
    if "*" in address:
        return str(_("Wildcards aren't possible: list each address as it is."))
    if "#" in address:
        return str(_("An address can't have a fragment (#)."))
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return str(_("This is no address."))
    if not parts.hostname or port == 0 or "@" in parts.netloc:
        return str(_("Write a whole address, such as https://example.com/callback, without a user name."))
    if any(segment in {".", ".."} for segment in parts.path.replace("%2e", ".").replace("%2E", ".").split("/")):
        return str(_("An address can't have dots for folders."))
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return str(_("Use https. Plain http is for programs on one's own machine: http://127.0.0.1/callback."))
    return ""
