"""Demo data: an operator, two partners with keys, a published integration. Made by the verbs that everything else uses.

What is there stays, also what somebody has closed or taken away since; what is missing is made. No activity is invented:
calls, usage and money come from real calls only. Credentials are drawn anew for each home and kept in `demo.json`, because
the platform itself keeps only their hashes.
"""

import json
import secrets
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from PIL import Image, ImageDraw

from abuse.models import Rule
from apikeys import keys
from apikeys.models import Key
from core import clock, crypto, operators
from core.actors import Actor
from core.models import ApiSlug, Environment, OperatorToken, User
from core.operators import usable
from core.problems import Forbidden
from local.home import write_private
from marketplace import integrations
from marketplace.models import Pricing
from partners import documents, logos, onboarding, partners, reviews, terms
from partners.models import Acceptance, DocumentKind, Partner, Terms, Tier
from partners.tiers import seed as seed_tiers
from products.external import products
from products.requests.models import RequestType

BY = Actor("system", label="Demo data")
OPERATOR = "operator@example.com"
INTEGRATION, PRODUCT = "acme-addresses", "echo"

# In `demo.json` the first is `partner`, who sells, the second `consumer`, who buys.
PARTNERS: dict[str, dict[str, Any]] = {
    "partner": {
        "name": "Acme",
        "email": "owner@acme.example",
        "basic-info": {
            "website": "https://acme.example",
            "description": "Address tools for everybody who ships things.",
            "contact_name": "Ada Acme",
            "contact_email": "owner@acme.example",
        },
        "business-details": {"legal_name": "Acme Inc.", "street": "1 Main Street", "city": "Springfield", "country": "US"},
        "api-setup": {"use_case": "Sells an address API in the marketplace."},
        "profile": {
            "summary": "Address tools for everybody who ships things.",
            "industries": ["logistics", "retail"],
            "countries": ["CA", "US"],
            "public_email": "hello@acme.example",
            "links": {"github": "https://github.com/acme-example"},
        },
        "color": (15, 118, 110),
    },
    "consumer": {
        "name": "Globex",
        "email": "owner@globex.example",
        "basic-info": {
            "website": "https://globex.example",
            "description": "Parcels, everywhere, on time.",
            "contact_name": "Gil Globex",
            "contact_email": "owner@globex.example",
        },
        "business-details": {"legal_name": "Globex Ltd.", "street": "2 High Street", "city": "Shelbyville", "country": "US"},
        "api-setup": {"use_case": "Checks the addresses of its parcels."},
        "profile": {"summary": "Parcels, everywhere, on time.", "industries": ["logistics"], "countries": ["US"]},
        "color": (190, 24, 93),
    },
}

TERMS = """
This text came with the demo. Put your own in its place: in the console, under *Terms of service*.

## What we do
We let your programs call our API within the limits of your tier, and publish your integrations once we have reviewed them.

## What you do
You keep keys and secrets to yourselves, tell us at once when one got out, and send us nothing that isn't yours to send.

## Money
What calls cost stands in your prices; invoices are due when they say so. What you earn is paid monthly, after a hold.

## The end
Either of us may end this at any time. What was earned until then is paid; what was used until then is owed.
"""

REQUEST_TYPES = (
    {"name": "ONBOARDING", "description": "How ready a partner is to go live.", "sla": timedelta(minutes=5)},
    {"name": "DATA_EXPORT", "description": "What is kept about a partner.", "sla": timedelta(hours=1)},
    {"name": "CREDIT_CHECK", "description": "Worked by the operator's back end.", "sla": timedelta(hours=8)},
)


def seed() -> dict[str, Any]:
    """Make what is missing; returns what it wrote to `demo.json`."""
    file = Path(settings.HOME) / "demo.json"
    found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    found["base_url"] = settings.BASE_URL
    with transaction.atomic():
        seed_tiers()
        for facts in REQUEST_TYPES:
            RequestType.objects.get_or_create(name=facts["name"], defaults=facts)
        if "operator" not in found:  # programs try things out here
            Rule.objects.update(action=Rule.Action.NOTIFY, partner_after=None)
        found["operator"] = _operator(found.get("operator", {}))
        _terms()
        for role, facts in PARTNERS.items():
            found[role] = _partner(facts, found.get(role, {}))
        _integration(Partner.objects.get(slug=found["partner"]["slug"]))
        _product()
    write_private(file, json.dumps(found, indent=2) + "\n")
    return found


def _terms() -> None:
    """A first version that holds, as a real installation has one."""
    if not Terms.objects.exists():
        made = Terms.objects.create(version="1", effective_on=clock.now().date(), text=TERMS.strip())
        terms.publish(terms=made, by=BY)


def _operator(known: dict[str, str]) -> dict[str, str]:
    user, password = _person(OPERATOR, known.get("password", ""), is_staff=True, is_superuser=True, name="Olivia Operator")
    token = known.get("token", "")
    if not OperatorToken.objects.filter(usable(clock.now()), user=user, digest=crypto.digest(token)).exists():
        token = operators.issue(user=user, name="Demo", scopes=["*"], by=BY).secret
    return {"email": OPERATOR, "password": password, "token": token}


def _person(email: str, password: str, **fields: Any) -> tuple[User, str]:
    """The person of this address, with a password that is known: the one in `demo.json`, or a new one."""
    user = User.objects.filter(email=email).first()
    if user is None or not password:
        password = secrets.token_urlsafe(12)
        user = user or User(email=email, **fields)
        user.set_password(password)
        user.save()
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user, password


def _partner(facts: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    owner, password = _person(facts["email"], known.get("password", ""), name=facts["basic-info"]["contact_name"])
    before = Partner.objects.public(known.get("id", "")).first()  # whatever has become of it
    partner = before or Partner.objects.of_member(owner).first() or _onboarded(owner, facts)
    if not Acceptance.objects.filter(partner=partner).exists():  # a home that is older than the terms
        terms.accept_by_joining(partner=partner, user=owner, by=BY)
    live, test = (
        _key(partner, environment, known.get(name, ""))
        for environment, name in ((Environment.LIVE, "api_key"), (Environment.TEST, "test_api_key"))
    )
    return {
        "id": partner.public_id,
        "slug": partner.slug,
        "email": facts["email"],
        "password": password,
        "api_key": live,
        "test_api_key": test,
    }


def _onboarded(owner: User, facts: dict[str, Any]) -> Partner:
    """A partner that went the way of all newcomers, and then to the first paid tier."""
    partner = partners.create(name=facts["name"], owner=owner, by=BY)
    for step in onboarding.FIELDS:
        onboarding.save(partner=partner, step=step, by=BY, **facts[step])
    paper: dict[str, Any] = {"kind": DocumentKind.REGISTRATION, "filename": "registration.pdf", "content": _pdf()}
    document = documents.upload(partner=partner, by=BY, **paper)
    onboarding.submit(partner=partner, by=BY)
    documents.accept(document=document, by=BY)
    reviews.approve(partner=partner, by=BY)
    partners.change_tier(partner=partner, tier=Tier.objects.get(slug="basic"), by=BY)
    partners.update(partner=partner, by=BY, **facts["profile"])
    return logos.put(partner=partner, content=_logo(facts["color"]), by=BY)


def _logo(color: tuple[int, int, int]) -> bytes:
    """A ring and a dot."""
    picture = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((16, 16, 496, 496), outline=color, width=72)
    pen.ellipse((186, 186, 326, 326), fill=color)
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _pdf() -> bytes:
    """An empty page, where a real partner has the extract of a register."""
    out = BytesIO()
    Image.new("L", (595, 842), "white").save(out, "PDF")
    return out.getvalue()


def _key(partner: Partner, environment: Environment, text: str) -> str:
    mine = Key.objects.for_caller(partner, environment).usable()
    if mine.filter(digest=crypto.digest(text)).exists():
        return text
    try:
        keys.require_partner(partner, environment)
    except Forbidden:
        return text  # a partner that was suspended or closed gets none
    return keys.issue(partner=partner, environment=environment, name="Demo", scopes=["*"], by=BY).text


def _integration(seller: Partner) -> None:
    """What Acme sells. The demo answers as Acme's API itself (`local.echo`), by a name of this machine, because the
    platform's own address is refused as an upstream."""
    if ApiSlug.objects.filter(slug=INTEGRATION).exists():
        return
    made = integrations.create(
        partner=seller,
        environment=Environment.LIVE,
        by=BY,
        slug=INTEGRATION,
        name="Acme Addresses",
        summary="Answers with what your call looked like to its upstream.",
        description="The demo's own API behind the gateway: call it, and see what an upstream is told of a call.",
        upstream_url=_upstream(),
        pricing=Pricing.PER_CALL,
        price=Decimal("0.05"),
        currency="USD",
    ).integration
    integrations.submit(integration=made, by=BY)
    for verb in (integrations.approve, integrations.publish):
        made.refresh_from_db()
        verb(integration=made, by=BY)


def _product() -> None:
    """An API of the operator's own, which the demo answers as well."""
    if ApiSlug.objects.filter(slug=PRODUCT).exists():
        return
    made = products.create(
        slug=PRODUCT,
        by=BY,
        name="Echo",
        description="Answers with what your call looked like to its upstream.",
        upstream_url=_upstream(),
        test_upstream_url=_upstream(),
        scopes="echo:read Look at what an upstream is told\necho:write Send it something",
        operations="GET /{path...} echo:read\nPOST /{path...} echo:write",
    ).product
    products.enable(product=made, by=BY)


def _upstream() -> str:
    return f"http://localhost:{urlsplit(settings.BASE_URL).port or 80}/demo/upstream"
