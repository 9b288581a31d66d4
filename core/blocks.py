"""The operators' block list: addresses and networks that nothing is served to.

Gateways keep it in memory and learn of a change from the change log within a second (`gateway.blocklist`), so it goes on holding
as it last stood while PostgreSQL or Redis is away.
"""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events, networks
from core.actors import Actor
from core.event_types import ADDRESS_BLOCKED, ADDRESS_UNBLOCKED
from core.models import Block, Change
from core.problems import AddressBlocked, ValidationError
from core.states import StaleState, swap

SUBJECT = UUID("b10c1157-0000-4000-8000-000000000000")
"""Under which the change log tells of the list."""
_ONE_AT_A_TIME = 0x_B10C_1157

WIDE = {4: 8, 6: 32}
"""A network with a shorter prefix is more than one wants to block without being asked."""
FOR_EVER = float("inf")


@transaction.atomic
def block(*, network: str, reason: str, expires_at: datetime | None = None, sure: bool = False, by: Actor) -> Block:
    """Serve nothing to an address or network from the next second on.

    Raises ValidationError for what is neither, for every address there is, for one that is blocked already, for a time that is
    past; and unless they are `sure`, for a very wide network, one with the caller's own address or with a proxy of ours.
    """
    try:
        found = networks.read(network)
    except ValueError as error:
        raise ValidationError({"network": [str(error)]}) from error
    if found.prefixlen == 0:
        raise ValidationError({"network": [str(_("This is every address there is, yours too."))]})
    if expires_at is not None and expires_at <= clock.now():
        raise ValidationError({"expires_at": [str(_("This time is past."))]})
    if not sure and (doubts := _doubts(found, by)):
        raise ValidationError({"network": doubts})
    _take_turn()
    text = networks.spelled(found)
    for known in Block.objects.filter(network=text, lifted_at=None):
        if known.state == "holds":
            raise ValidationError({"network": [str(_("{network} is blocked already.")).format(network=text)]})
        swap(known, where={"lifted_at": None}, lifted_at=known.expires_at)
    made: Block = Block.objects.create(network=text, reason=reason, expires_at=expires_at, blocked_by=by.label)
    until = expires_at.isoformat() if expires_at else None
    data = {"network": text, "reason": reason, "expires_at": until}
    events.emit(type=ADDRESS_BLOCKED, subject=made, actor=by, data=data)
    Change.objects.create(subject=SUBJECT)
    return made


@transaction.atomic
def lift(*, block: Block, by: Actor) -> None:
    """Serve it again. Raises StaleState if the block no longer holds."""
    _take_turn()
    if block.state != "holds":
        raise StaleState()
    swap(block, where={"lifted_at": None}, lifted_at=clock.now(), lifted_by=by.label)
    events.emit(type=ADDRESS_UNBLOCKED, subject=block, actor=by, data={"network": block.network})
    Change.objects.create(subject=SUBJECT)


def in_force() -> list[tuple[str, float]]:
    """Every network that is blocked now, with the Unix time until which it is."""
    rows = Block.objects.in_force().order_by().values_list("network", "expires_at")
    return [(network, expires_at.timestamp() if expires_at else FOR_EVER) for network, expires_at in rows]


def require_unblocked(address: str) -> None:
    """Raises AddressBlocked."""
    if Block.objects.in_force().containing(address).exists():
        raise AddressBlocked(address=address)


def _doubts(found: networks.Network, by: Actor) -> list[str]:
    """Why somebody should think again, in words."""
    said = []
    if found.prefixlen < WIDE[found.version]:
        said.append(_("This is a very large part of all addresses."))
    if by.address and _holds(found, by.address):
        said.append(_("Your own address, {address}, is in it: you would lock yourself out."))
    if any(found.overlaps(proxy) for proxy in _proxies() if proxy.version == found.version):
        said.append(_("A proxy of this installation is in it."))
    said += [_("Say below that you are sure, if you are.")] if said else []
    return [str(line).format(address=by.address) for line in said]


def _holds(found: networks.Network, address: str) -> bool:
    try:
        other = networks.read(address)
    except ValueError:
        return False
    return other.version == found.version and found.overlaps(other)


def _proxies() -> list[networks.Network]:
    return [networks.read(text) for text in settings.TRUSTED_PROXIES]


def _take_turn() -> None:
    """So that changes of the list commit in the order of their lines in the change log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
