"""What a partner may read of the event log: what webhooks could tell it, whether or not it has an endpoint."""

import heapq
from operator import attrgetter
from uuid import UUID

from django.db.models import Q

from core import listing
from core.events import TYPES
from core.models import Event, EventQuerySet, Head
from core.relay import NOBODY
from webhooks import patterns


def events_of(partner: UUID | None, environment: str) -> EventQuerySet:
    """A partner's events, and those that concern every partner, without the internal ones."""
    internal = [name for name, kind in TYPES.items() if kind.internal]
    platform = [name for name in TYPES if not patterns.is_published(name)]
    for_all = Q(partner_id__isnull=True, environment=environment) & ~Q(type__in=platform)
    found: EventQuerySet = Event.objects.filter(Q(partner_id=partner, environment=environment) | for_all)
    return found.exclude(type__in=internal)


SEALED = "sealed"


def page(rows: EventQuerySet, *, partner: UUID | None, ordering: str, cursor: str, limit: int) -> listing.Page[Event]:
    """A page of `events_of`, narrowed or not: by id, or with `sealed` in the order in which events got into the log.

    The partner's chain and the platform's are asked apart, so that an index has each in order. Raises ValidationError.
    """
    if ordering == SEALED:
        return _sealed(rows, partner=partner, cursor=cursor, limit=limit)
    own, of_all = (
        listing.after(rows.filter(partner_id=owner), ordering=ordering, cursor=cursor).values("pk")[: limit + 1]
        for owner in (partner, None)
    )
    return listing.page(rows.filter(pk__in=own.union(of_all, all=True)), ordering=ordering, limit=limit)


def _sealed(rows: EventQuerySet, *, partner: UUID | None, cursor: str, limit: int) -> listing.Page[Event]:
    """What was sealed since the cursor, which is how far each of the two chains was read; there is always a next one.

    Ids are given before their transactions commit, so that an event can turn up behind ids that were read. Numbers are given
    by the relay under the chain's lock: whatever comes later has a higher one, and nothing is missed.
    """
    reached = listing.decode(cursor, SEALED, 2) if cursor else [0, 0]
    if not all(type(number) is int and number >= 0 for number in reached):
        raise listing.invalid()
    owners = (partner, None)
    # Read before the events: what a head counts has been committed by then.
    heads = dict(Head.objects.filter(owner__in=[partner, NOBODY]).values_list("owner", "number"))
    chains = [
        list(rows.filter(partner_id=owner, number__gt=number).order_by("number")[:limit])
        for owner, number in zip(owners, reached, strict=True)
    ]
    taken = list(heapq.merge(*chains, key=attrgetter("pk")))[:limit]
    for place, owner in enumerate(owners):
        mine = [event.number or 0 for event in taken if event.partner_id == owner]
        ends = heads.get(owner or NOBODY, 0) if len(mine) == len(chains[place]) < limit else 0
        reached[place] = max(reached[place], ends, *mine)
    return listing.Page(taken, listing.encode(SEALED, reached))
