"""A partner that had everything a partner can have is erased: its people's traces are in no table and no file any more."""

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.db import connection
from django.test import Client

from apikeys import keys
from billing import payouts
from core import audit, clock, ids, relay
from core.actors import Actor
from core.models import Event, User
from marketplace import integrations
from partners import (
    documents,
    erasure,
    impersonations,
    invitations,
    logos,
    members,
    notices,
    onboarding,
    partners,
    reviews,
    tier_requests,
)
from partners.models import Document, Logo, Member, Partner, Tier
from partners.permissions import Role
from products.requests import requests
from tests.partners.files import pdf, png
from usage.models import Call
from webhooks import endpoints
from webhooks.models import Attempt, Delivery

pytestmark = pytest.mark.django_db(transaction=True)

# In every name, address and text that the partner and its people give.
MARK = "quillfeather"
ADDRESS = "198.51.100.77"
# What they leave on purpose, and why: the log of what happened has addresses, the log of agreements too.
LEFT = {ADDRESS: {"core_event", "partners_acceptance"}}

PASSWORD = "kumquat-sunrise-42"


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


@pytest.fixture
def bea(active):
    """In another partner too."""
    user = User.objects.create_user("bea@globex.example", name="Bea Stay")
    members.add(partner=active, user=user, role=Role.ADMIN, by=Actor("system"))
    return user


@pytest.fixture
def visitor():
    return Actor("public", address=ADDRESS)


@pytest.fixture
def applicant(db, visitor, by_operator):
    """Registered, filled in, sent back once, approved."""
    made = partners.register(
        email=f"ann@{MARK}.example", password=PASSWORD, company_name=MARK.title(), type="technology", by=visitor
    )
    Tier.objects.filter(pk=made.tier_id).update(needs_application=True)
    made.tier.refresh_from_db()
    ann = User.objects.get(email=f"ann@{MARK}.example")
    User.objects.filter(pk=ann.pk).update(name=f"Ann {MARK.title()}")
    members.confirm(token=members.confirmation(ann), by=visitor)
    about = {"contact_name": f"Ann {MARK}", "contact_email": f"ann@{MARK}.example", "contact_phone": f"+44 {MARK}"}
    seat = {"legal_name": f"{MARK} Ltd", "street": f"1 {MARK} Road", "city": MARK, "country": "GB", "tax_id": f"GB {MARK}"}
    onboarding.save(partner=made, step="basic-info", by=visitor, website=f"https://{MARK}.example", **about)
    onboarding.save(partner=made, step="business-details", by=visitor, **seat)
    onboarding.save(partner=made, step="api-setup", by=visitor, use_case=f"Orders of {MARK}")
    for content in (pdf(), png()):
        documents.upload(partner=made, kind="tax", filename=f"Ann {MARK}.pdf", content=content, by=visitor)
    onboarding.submit(partner=made, by=visitor)
    reviews.request_changes(partner=made, reason=f"Who is {MARK}?", by=by_operator)
    onboarding.submit(partner=made, by=visitor)
    documents.reject(document=Document.objects.first(), reason=f"Not of {MARK}", by=by_operator)
    reviews.approve(partner=made, by=by_operator)
    profile = {"summary": MARK, "description": f"We are {MARK}", "public_email": f"hello@{MARK}.example"}
    partners.update(partner=made, by=visitor, **profile, links={"github": f"https://github.com/{MARK}"})
    logos.put(partner=made, content=png((300, 300)), by=visitor)
    made.refresh_from_db()
    return made


@pytest.fixture
def owned(applicant, visitor, by_operator):
    """What its programs have: keys, webhooks, requests, calls, an integration, a bank account."""
    key = keys.issue(partner=applicant, environment="live", name=f"{MARK}'s laptop", by=visitor, ip_allowlist=[ADDRESS])
    by_key = Actor("key", key.key.pk, key.key.hint, ADDRESS)
    requests.submit(partner=applicant, environment="live", type="SHIPMENT", payload={"to": MARK}, by=by_key)
    wanted = {"url": f"https://{MARK}.example/hooks", "event_types": ["*"], "description": MARK}
    endpoint = endpoints.create(partner=applicant, environment="live", by=visitor, **wanted).endpoint
    relay.seal()
    endpoints.send_test(endpoint=endpoint, by=visitor)
    delivery = Delivery.objects.filter(endpoint=endpoint).first()
    Delivery.objects.filter(pk=delivery.pk).update(explanation=f"{MARK} did not answer")
    answered = {"response_body": f"I am {MARK}", "explanation": "x", "url": endpoint.url, "duration_ms": 1, "succeeded": False}
    Attempt.objects.create(delivery=delivery, number=1, **answered)
    shown = {"slug": "weather", "name": "Weather", "summary": f"By {MARK}", "upstream_url": f"https://{MARK}.example/api"}
    made = integrations.create(partner=applicant, environment="live", by=visitor, description=MARK, **shown).integration
    integrations.submit(integration=made, by=visitor, notes=f"First of {MARK}")
    integrations.reject(integration=made, reason=f"Ask {MARK}", by=by_operator)
    bank = {"holder": MARK, "account_number": "DE89370400440532013000", "bank_code": "", "country": "DE"}
    payouts.set_account(partner=applicant, environment="live", by=visitor, **bank)
    call(applicant)
    return applicant


@pytest.fixture
def leaving(owned, bea, visitor, by_operator, operator):
    """Its team comes and goes; then it is closed, and the time is over in which it could come back."""
    members.add(partner=owned, user=bea, role=Role.ADMIN, by=visitor)
    invitations.invite(partner=owned, email=f"carl@{MARK}.example", role=Role.VIEWER, by=visitor)
    asked = tier_requests.request(partner=owned, tier=Tier.objects.get(slug="professional"), note=f"{MARK} grows", by=visitor)
    tier_requests.decline(request=asked, reason=f"Not {MARK}", by=by_operator)
    ann = User.objects.get(email=f"ann@{MARK}.example")
    TOTP.activate(ann, generate_totp_secret())
    browser = Client(headers={"user-agent": f"{MARK}'s browser"}, REMOTE_ADDR=ADDRESS)
    browser.force_login(ann, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert browser.get(f"/p/{owned.slug}/").status_code == 200
    edited_by(operator, owned)
    impersonations.begin(partner=owned, operator=operator, reason=f"{MARK} called", by=by_operator)
    partners.close(partner=owned, reason=f"{MARK} asked for it", by=by_operator)
    while relay.seal() or notices.send_due():
        pass
    clock.tick(timedelta(days=31))
    mail.outbox.clear()
    return Partner.objects.get(pk=owned.pk)


def call(partner: Partner) -> None:
    """One call as the gateway counted it."""
    facts = {"operation": "GET /x", "method": "GET", "path": f"/x?{MARK}", "status": 200, "code": "", "latency_us": 1}
    sizes = {"bytes_in": 1, "bytes_out": 1, "metered": True, "client_request_id": MARK, "user_agent": MARK}
    Call.objects.create(
        id=ids.new(), at=clock.now(), partner_id=partner.pk, environment="live", address=ADDRESS, **facts, **sizes
    )


def edited_by(operator: User, partner: Partner) -> None:
    """The console notes by itself whom and what operators edit."""
    console = Client()
    console.force_login(operator)
    place = f"/admin/partners/partner/{partner.pk}/change/"
    of_inlines = dict(re.findall(r'name="([\w-]+_FORMS)" value="(\d+)"', console.get(place).content.decode()))
    form = {"name": partner.name, "type": partner.type, "tier": partner.tier_id, "website": partner.website, "description": MARK}
    assert console.post(place, {**form, **of_inlines}).status_code == 302
    assert LogEntry.objects.exists()


def tables(*texts: str) -> set[str]:
    """Those with a row that has one of the texts, plain or as bytes."""
    wanted = [f"%{form}%" for text in texts for form in (text, text.encode().hex())]
    with connection.cursor() as cursor:
        found = set()
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" t WHERE t::text ILIKE ANY (%s))', [wanted])
            if cursor.fetchone()[0]:
                found.add(table)
        return found


def files() -> set[Path]:
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


def of_documents(found: Iterable[Document]) -> set[Path]:
    return {Path(document.file.path) for document in found}


def test_no_trace_in_the_database(leaving, by_operator):
    assert len(tables(MARK)) > 20, "the partner had everything"
    erasure.erase(partner=leaving, by=by_operator)
    relay.seal()
    notices.send_due()
    assert tables(MARK) == set()
    assert tables(ADDRESS) <= LEFT[ADDRESS]
    assert not mail.outbox, "nobody is written to any more"


def test_no_file_on_disk(leaving, active, by_operator):
    others = documents.upload(partner=active, kind="tax", filename="x.pdf", content=pdf(), by=by_operator)
    logo = Logo.objects.get(partner=leaving)
    gone = {*of_documents(Document.objects.filter(partner=leaving)), Path(logo.small.path), Path(logo.large.path)}
    before = files()
    assert len(gone) == 4
    assert gone < before
    erasure.erase(partner=leaving, by=by_operator)
    assert files() == before - gone
    assert of_documents([others]) <= files()


def test_erasure_that_fails_leaves_the_files(leaving, by_operator, monkeypatch):
    def broken(partner: Partner) -> None:
        raise RuntimeError

    before = files()
    monkeypatch.setattr(erasure, "ERASERS", [*erasure.ERASERS, broken])
    with pytest.raises(RuntimeError):
        erasure.erase(partner=leaving, by=by_operator)
    assert files() == before
    assert Member.objects.filter(partner=leaving).count() == 2


def test_people_of_other_partners_stay(leaving, active, bea, by_operator):
    of_active = Event.objects.filter(partner_id=active.pk)
    before = {event.pk: event.data for event in of_active}
    erasure.erase(partner=leaving, by=by_operator)
    assert list(Member.objects.filter(user=bea).values_list("partner", flat=True)) == [active.pk]
    assert User.objects.get(pk=bea.pk).name == "Bea Stay"
    assert not User.objects.filter(email__contains=MARK).exists()
    assert {event.pk: event.data for event in of_active.all()} == before


def test_chain_is_whole_and_goes_on(leaving, by_operator):
    told = Event.objects.filter(partner_id=leaving.pk)
    before = list(told.order_by("number").values_list("pk", "type", "hash"))
    assert len(before) > 25
    audit.export_heads()
    erasure.erase(partner=leaving, by=by_operator)
    relay.seal()
    after = list(told.order_by("number").values_list("pk", "type", "hash"))
    assert after[: len(before)] == before
    assert [kind for _pk, kind, _hash in after[len(before) :]] == ["partner.erased"]
    assert audit.verify(leaving.pk).intact
    assert audit.verify().intact
