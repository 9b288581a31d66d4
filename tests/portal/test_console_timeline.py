"""A partner's timeline in the console: all kinds in one order, page by page, and of each what the operator may see."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apikeys import keys
from core import clock, ids
from core.actors import SYSTEM
from core.models import Event
from core.roles import Role
from partners import letters, partners, tiers
from partners.models import Document, Partner, Review
from portal import console_timeline
from tests.test_operator_roles import make_operator, sign_in
from usage.models import HourRollup
from webhooks.models import Delivery, Endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Partner:
    tiers.seed()
    return partners.create(name="Acme", by=SYSTEM, active=True)


@pytest.fixture
def root() -> Client:
    return sign_in(make_operator(Role.SUPERUSER))


def calls(partner: Partner, at: datetime, requests: int = 10, status: int = 200, environment: str = "live") -> None:
    facts = {"operation": "GET /x", "code": "", "bytes_in": 0, "bytes_out": 0, "latency_buckets": [1], "latency_counts": [1]}
    numbers = {"requests": requests, "metered": requests}
    HourRollup.objects.create(partner_id=partner.pk, environment=environment, at=at, status=status, **facts, **numbers)


def events(partner: Partner, count: int, environment: str = "live") -> None:
    Event.objects.bulk_create(
        Event(partner_id=partner.pk, environment=environment, type="key.created", subject=f"key_{n}", payload_digest=b"x")
        for n in range(count)
    )


def path(partner: Partner, query: str = "") -> str:
    return f"/admin/partners/partner/{partner.pk}/timeline{query}"


def read_all(client: Client, partner: Partner, kind: str = "") -> list[console_timeline.Entry]:
    """Every entry, over as many pages as there are."""
    found, query = [], f"?kind={kind}" if kind else ""
    for _ in range(30):
        context = client.get(path(partner, query)).context
        found += context["entries"]
        query = context["older"]
        if not query:
            return found
    raise AssertionError("the pages never end")


def test_everything_in_one_order(root, acme):
    for environment in ("live", "test"):
        keys.issue(partner=acme, environment=environment, name=f"{environment} key", by=SYSTEM)
    Review.objects.create(partner=acme)
    Document.objects.create(partner=acme, kind="tax", filename="tax.pdf", content_type="x", size=1, sha256=b"x", file="x")
    endpoint = Endpoint.objects.create(partner=acme, environment="live", url="https://a.example", event_types=["*"], secret="s")
    facts = {"event_id": ids.new(), "event_type": "key.created", "status": "failed", "status_code": 500}
    Delivery.objects.create(partner=acme, environment="live", endpoint=endpoint, **facts)
    letters.note(partner=acme, text="Called them.", operator=make_operator(Role.SUPPORT), by=SYSTEM)
    calls(acme, clock.now() - timedelta(days=2), 1_200)
    calls(acme, clock.now() - timedelta(days=2, minutes=1), 34, status=500, environment="test")
    page = root.get(path(acme)).content.decode()
    for words in (
        *("live key", "test key", "Handed in for review", "tax.pdf", "key.created → https://a.example", "Failed 500"),
        *("Called them.", "1,234 calls", "34 failed", "A key was created"),
    ):
        assert words in page, words
    found = read_all(root, acme)
    assert [entry.key for entry in found] == sorted((entry.key for entry in found), reverse=True)


def test_pages_leave_nothing_out_and_show_nothing_twice(root, acme):
    events(acme, 130)
    events(acme, 75, "test")
    for _ in range(70):
        letters.note(partner=acme, text="n", operator=make_operator(Role.SUPPORT, f"s{_}@portico.example"), by=SYSTEM)
    start = clock.now().replace(hour=3, minute=0, second=0, microsecond=0)
    for day in range(1, 120, 2):
        for hour in (0, 5):
            calls(acme, start - timedelta(days=day, hours=hour), 1)
    calls(acme, datetime(2021, 3, 1, 5, tzinfo=UTC), 7)
    found = read_all(root, acme)
    own = Event.objects.filter(partner_id=acme.pk).count()
    days = len({at.date() for at in HourRollup.objects.values_list("at", flat=True)})
    assert len(found) == own + 70 + days
    assert len({entry.key for entry in found}) == len(found)
    assert sum(int(entry.text.split()[0]) for entry in found if entry.text.endswith(" calls")) == 60 * 2 + 7
    assert len(read_all(root, acme, "calls")) == days
    assert len(read_all(root, acme, "notes")) == 70


def test_narrowed_by_kind(root, acme):
    keys.issue(partner=acme, environment="test", name="Nightly", by=SYSTEM)
    page = root.get(path(acme, "?kind=keys"))
    assert [entry.text for entry in page.context["entries"]] == ["Key “Nightly”"]
    assert root.get(path(acme, "?kind=weather")).status_code == 404
    assert root.get(path(acme, "?before=yesterday")).status_code == 404
    assert root.get(path(acme, "?before=ffffffff-ffff-ffff-ffff-ffffffffffff")).status_code == 404


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.REVIEWER, Role.FINANCE])
def test_shows_what_the_role_may_see(acme, role):
    keys.issue(partner=acme, environment="live", name="Nightly", by=SYSTEM)
    Review.objects.create(partner=acme)
    client = sign_in(make_operator(role))
    page = client.get(path(acme)).content.decode()
    assert ("Key “Nightly”" in page) == (role == Role.SUPPORT)
    assert ("Handed in for review" in page) == (role == Role.REVIEWER)
    assert client.get(path(acme, "?kind=invoices")).status_code == (200 if role == Role.FINANCE else 404)


def test_is_for_operators_with_the_right(acme):
    assert sign_in(make_operator("no role")).get(path(acme)).status_code == 403
    assert Client().get(path(acme)).status_code == 302


def test_other_partners_stay_out(root, acme):
    other = partners.create(name="Globex", by=SYSTEM, active=True)
    keys.issue(partner=other, environment="live", name="Theirs", by=SYSTEM)
    calls(other, clock.now())
    assert "Theirs" not in root.get(path(acme)).content.decode()
    assert read_all(root, acme, "calls") == []
