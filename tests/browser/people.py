"""People and partners that pages are shown to, made through the verbs."""

from datetime import timedelta

from allauth.account.models import EmailAddress

from apikeys import keys
from core import clock
from core.actors import Actor
from core.models import Environment, User
from partners import partners
from partners.models import Partner
from usage.models import HourRollup

OWNER = Actor("member", label="Owner")
PASSWORD = "a-long-Passw0rd"


def person(email: str, name: str = "", **fields: bool) -> User:
    """Somebody with a confirmed address."""
    user = User.objects.create_user(email, PASSWORD, name=name, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def operator() -> User:
    return person("olivia@example.com", "Olivia Park", is_staff=True, is_superuser=True)


def newcomer() -> tuple[User, Partner]:
    """A partner of which nothing exists yet but its name."""
    owner = person("bob@example.com", "Bob Hale")
    return owner, partners.create(name="Globex", by=OWNER, owner=owner)


def established() -> tuple[User, Partner]:
    """A live partner with keys and a month of calls."""
    owner = person("ann@example.com", "Ann Lovelace")
    partner = partners.create(name="Acme Analytics", by=OWNER, owner=owner, active=True)
    for name in ("Checkout service", "Nightly export"):
        keys.issue(partner=partner, environment=Environment.LIVE, name=name, scopes=["partner:read"], by=OWNER)
    at = clock.now().replace(minute=0, second=0, microsecond=0)
    HourRollup.objects.bulk_create(
        _hour(partner, at - timedelta(hours=12 * number), status, calls)
        for number in range(60)
        for status, calls in ((200, 30 + number % 7), (422, number % 3))
    )
    return owner, partner


def _hour(partner: Partner, at: object, status: int, calls: int) -> HourRollup:
    facts = {"operation": "POST /api/partner/v1/requests", "status": status, "code": "", "at": at}
    numbers = {
        "requests": calls,
        "metered": calls,
        "bytes_in": 0,
        "bytes_out": 0,
        "latency_buckets": [193],
        "latency_counts": [calls],
    }
    return HourRollup(partner_id=partner.pk, environment=Environment.LIVE, **facts, **numbers)
