"""What operators write: letters to a partner's team, and notes about it for each other."""

from django.db import transaction

from core import events
from core.actors import Actor
from core.models import User
from partners import event_types as types
from partners.models import Note, Partner


@transaction.atomic
def send(*, partner: Partner, subject: str, text: str, by: Actor) -> None:
    """To owners and admins, in the portal and by mail as they chose."""
    data = {"id": partner.public_id, "subject": subject, "text": text}
    events.emit(type=types.PARTNER_MESSAGED, partner=partner, subject=partner, actor=by, data=data)


@transaction.atomic
def note(*, partner: Partner, text: str, operator: User, by: Actor) -> Note:
    """For operators alone: told in the platform's own log, not in the partner's."""
    made: Note = Note.objects.create(partner=partner, operator=operator, text=text)
    events.emit(type=types.PARTNER_NOTED, subject=partner, actor=by, data={"id": made.public_id, "partner": partner.public_id})
    return made
