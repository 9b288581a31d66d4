"""Event types of core itself. All internal: operators' credentials concern no partner."""

from django.utils.translation import gettext_lazy as _

from core.events import EventType, register

OPERATOR_TOKEN_ISSUED = EventType("operator.token_issued", _("An operator's API token was made."), internal=True)
OPERATOR_TOKEN_REVOKED = EventType("operator.token_revoked", _("An operator's API token was revoked."), internal=True)
OPERATOR_APPOINTED = EventType("operator.appointed", _("An operator's roles changed."), internal=True)
ADDRESS_BLOCKED = EventType("address.blocked", _("An operator blocked an address or network."), internal=True)
ADDRESS_UNBLOCKED = EventType("address.unblocked", _("An operator lifted the block of an address or network."), internal=True)

register(OPERATOR_TOKEN_ISSUED, OPERATOR_TOKEN_REVOKED, OPERATOR_APPOINTED, ADDRESS_BLOCKED, ADDRESS_UNBLOCKED)
