"""The end of a registration by API: the address is confirmed, and the newcomer's program has a key to go on with."""

from django.db import transaction

from apikeys import keys
from core.actors import Actor
from core.models import Environment
from partners import members
from partners.models import Partner
from partners.permissions import Role


@transaction.atomic
def confirm(*, token: str, by: Actor) -> keys.Issued:
    """Confirm the address that the token is for, and issue a first test key that may do everything an owner may.

    Raises InvalidConfirmation for a token that is wrong, old or used.
    """
    user = members.confirm(token=token, by=by)
    owned = Partner.objects.present().filter(members__user=user, members__role=Role.OWNER)
    partner = owned.order_by("id").first()  # somebody else's, where they are a guest, is not theirs to have a key of
    if partner is None:
        raise members.InvalidConfirmation()
    return keys.issue(partner=partner, environment=Environment.TEST, name="First test key", scopes=["*"], by=by)
