"""Fifty people accept, revoke, remove and hand over at once, on connections of their own: one owner, nothing lost."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from django.db import connection

from core.actors import SYSTEM
from core.models import Event, User
from core.problems import Problem
from partners import invitations, members, partners
from partners.models import Invitation, Member, Partner
from partners.permissions import GIVABLE, Role

pytestmark = pytest.mark.django_db(transaction=True)

INVITED, REVOKED, HEIRS, HANDOVERS, REMOVALS = 20, 10, 6, 16, 4
PEOPLE = INVITED + REVOKED + HANDOVERS + REMOVALS


def person(name: str) -> User:
    user = User.objects.create(email=f"{name}@acme.example", password="!")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


class Watcher(threading.Thread):
    """Counts the owners in one statement after the other, as anybody who looks sees them."""

    def __init__(self, partner: Partner) -> None:
        super().__init__()
        self.partner, self.stop, self.seen = partner, threading.Event(), Counter[int]()

    def run(self) -> None:
        while not self.stop.is_set():
            self.seen[Member.objects.filter(partner=self.partner, role=Role.OWNER).count()] += 1
        connection.close()


def test_one_owner_at_every_moment_and_no_lost_invitation() -> None:
    partner = partners.create(name="Acme", owner=person("owner"), by=SYSTEM)
    heirs = [members.add(partner=partner, user=person(f"heir{n}"), role=Role.ADMIN, by=SYSTEM) for n in range(HEIRS)]
    leaving = [members.add(partner=partner, user=person(f"leaving{n}"), role=Role.VIEWER, by=SYSTEM) for n in range(REMOVALS)]
    invited = {
        invitations.invite(partner=partner, email=f"new{n}@acme.example", role=GIVABLE[n % 4], by=SYSTEM): person(f"new{n}")
        for n in range(INVITED)
    }
    ready = threading.Barrier(PEOPLE)
    refused: list[Problem] = []

    def at_once(deed: Callable[[], object]) -> bool:
        ready.wait(timeout=30)
        try:
            deed()
        except Problem as problem:
            refused.append(problem)
            return False
        finally:
            connection.close()
        return True

    def accept(invitation: Invitation) -> None:
        found = Invitation.objects.select_related("partner").get(pk=invitation.pk)
        invitations.accept(invitation=found, user=invited[invitation], by=SYSTEM)

    def hand_over() -> None:
        for _attempt in range(5):
            owner = Member.objects.select_related("partner").get(partner=partner, role=Role.OWNER)
            heir = Member.objects.get(pk=random.choice([each for each in heirs if each.pk != owner.pk]).pk)
            members.transfer(owner=owner, to=heir, by=SYSTEM)

    def revoke(invitation: Invitation) -> None:
        invitations.revoke(invitation=Invitation.objects.get(pk=invitation.pk), by=SYSTEM)

    deeds: list[Callable[[], object]] = [
        *(partial(accept, each) for each in invited),
        *(partial(revoke, each) for each in [*invited][:REVOKED]),
        *(hand_over for _ in range(HANDOVERS)),
        *(partial(members.remove, member=each, by=SYSTEM) for each in leaving),
    ]
    watcher = Watcher(partner)
    watcher.start()
    with ThreadPoolExecutor(PEOPLE) as pool:
        done = list(pool.map(at_once, random.sample(deeds, len(deeds))))
    watcher.stop.set()
    watcher.join()

    assert len(done) == PEOPLE == 50
    assert set(watcher.seen) == {1}, watcher.seen
    assert Member.objects.get(partner=partner, role=Role.OWNER)
    states = Counter(Invitation.objects.values_list("status", flat=True))
    assert states["accepted"] + states["revoked"] == INVITED
    assert states["accepted"] >= INVITED - REVOKED
    for invitation, user in invited.items():
        invitation.refresh_from_db()
        joined = Member.objects.filter(partner=partner, user=user).values_list("role", flat=True)
        assert list(joined) == ([invitation.role] if invitation.status == "accepted" else [])
    assert not Member.objects.filter(pk__in=[each.pk for each in leaving]).exists()
    told = Counter(Event.objects.values_list("type", flat=True))
    assert told["partner.owner_changed"] >= 1
    assert told["member.role_changed"] == 2 * told["partner.owner_changed"]
    assert told["member.added"] == 1 + HEIRS + REMOVALS + states["accepted"]
    assert told["member.invitation_revoked"] == states["revoked"]
    assert {type(problem).__name__ for problem in refused} <= {"InvalidInvitation", "StaleState"}, refused
