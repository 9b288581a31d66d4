"""Prices: made, renamed, ended. What a price costs never changes; another one follows it."""

from django.db import transaction

from billing.event_types import PRICE_CHANGED
from billing.models import Price
from core import events
from core.actors import Actor


@transaction.atomic
def put(*, price: Price, by: Actor) -> None:
    """Store a new price, or the new name or end of one. Raises Django's ValidationError for what can't be."""
    price.full_clean()
    price.save()
    data = {
        "meter": price.meter,
        "name": price.name,
        "model": price.model,
        "currency": price.currency,
        "unit_amount": str(price.unit_amount) if price.unit_amount is not None else None,
        "flat_amount": str(price.flat_amount) if price.flat_amount is not None else None,
        "tiers": price.tiers,
        "valid_from": price.valid_from.isoformat(),
        "valid_until": price.valid_until.isoformat() if price.valid_until else None,
    }
    events.emit(type=PRICE_CHANGED, subject=price, actor=by, data=data)
