"""People and partners that pages are shown to, made through the verbs."""

import io
from datetime import timedelta

from allauth.account.models import EmailAddress
from PIL import Image, ImageDraw

from apikeys import keys
from core import clock
from core.actors import Actor
from core.models import Environment, User
from partners import logos, partners
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


def dressed(partner: Partner) -> Partner:
    """With a whole profile, and a logo."""
    partners.update(
        partner=partner,
        by=OWNER,
        summary="Route planning for couriers: by bike, by van, and around every road that is closed today.",
        description=STORY,
        website="https://www.acme.example/routes",
        industries=["logistics", "retail", "software"],
        countries=["AT", "CH", "DE", "GB"],
        public_email="hello@acme.example",
        links={"github": "https://github.com/acme", "linkedin": "https://www.linkedin.com/company/acme"},
    )
    return logos.put(partner=partner, content=_logo(), by=OWNER)


STORY = """We plan **routes** for couriers in cities.

## What you get

- a plan in less than a second, for up to 400 stops
- a new one whenever a road closes

| Plan | Stops | Price |
|---|--:|--:|
| Bike | 40 | $9 |
| Fleet | 400 | $79 |

Read more [on our site](https://acme.example).
"""


def _logo() -> bytes:
    """A ring and a dot, on nothing."""
    picture = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((16, 16, 496, 496), outline=(15, 118, 110, 255), width=72)
    pen.ellipse((196, 196, 316, 316), fill=(234, 88, 12, 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


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
