"""Once the time to restore a closed partner is over, its personal data is erased for good; the chain of events stays."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apikeys import keys
from apikeys.models import Key
from core import audit, clock, relay
from core.models import Event, Payload, User
from core.states import StaleState
from partners import documents, erasure, partners
from partners.models import Company, Document, Invitation, Member, Notice, Partner, Review, TierRequest
from partners.permissions import Role
from products.requests.models import Request
from tests.partners.conftest import PUBLIC
from tests.partners.files import pdf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_clock():
    yield
    clock.reset()


@pytest.fixture
def leaving(submitted, by_operator):
    """A partner that gave all it was asked for, was closed, and whose time to come back is over."""
    documents.upload(partner=submitted, kind="tax", filename="Ann Lee.pdf", content=pdf(), by=PUBLIC)
    keys.issue(partner=submitted, environment="test", name="Ann's laptop", by=PUBLIC, ip_allowlist=["203.0.113.9"])
    partners.close(partner=submitted, reason="Ann asked for it", by=by_operator)
    relay.seal()
    clock.tick(timedelta(days=31))
    return submitted


class TestWhat:
    def test_nothing_personal_is_left_and_the_chain_is_whole(self, leaving, by_operator):
        file = Path(Document.objects.get().file.path)
        assert file.exists()
        erasure.erase(partner=leaving, by=by_operator)
        relay.seal()
        assert not file.exists()
        assert not User.objects.filter(email="ann@acme.example").exists()
        for model in (Invitation, Member, Notice, Document, Review, TierRequest, Request):
            rows = str(list(model.objects.filter(partner=leaving).values()))
            assert "Ann" not in rows
        assert not any((company := Company.objects.get(partner=leaving)).__dict__[name] for name in erasure.CONTACT)
        assert company.legal_name == ""
        leaving.refresh_from_db()
        assert (leaving.name, leaving.status) == (leaving.public_id, "closed")
        assert leaving.api_setup.use_case == ""
        assert "Ann" not in str(list(Key.objects.filter(partner=leaving).values("name", "ip_allowlist")))
        told = Event.objects.filter(partner_id=leaving.pk).order_by("id")
        assert told.count() > 5
        assert list(Payload.objects.filter(pk__in=told.values("pk"))) == [Payload.objects.get(pk=told.last().pk)]
        assert (told.last().type, told.last().data) == ("partner.erased", {"id": leaving.public_id})
        assert audit.verify(leaving.pk).intact

    def test_company_facts_stay_where_there_was_money(self, leaving, by_operator, monkeypatch):
        monkeypatch.setattr(erasure, "KEEPERS", [lambda partner: True])
        erasure.erase(partner=leaving, by=by_operator)
        company = Company.objects.get(partner=leaving)
        assert (company.legal_name, company.city, company.contact_email) == ("Acme Ltd", "Leeds", "")

    def test_who_has_another_partner_or_is_an_operator_keeps_the_account(self, leaving, active, operator, by_operator):
        ann = User.objects.get(email="ann@acme.example")
        Member.objects.create(partner=active, user=ann, role=Role.VIEWER)
        Member.objects.create(partner=leaving, user=operator, role=Role.VIEWER)
        erasure.erase(partner=leaving, by=by_operator)
        assert set(User.objects.filter(pk__in=[ann.pk, operator.pk])) == {ann, operator}
        assert list(ann.memberships.values_list("partner", flat=True)) == [active.pk]

    def test_others_keep_theirs(self, leaving, active, by_operator):
        before = Payload.objects.filter(pk__in=Event.objects.filter(partner_id=active.pk).values("pk")).count()
        erasure.erase(partner=leaving, by=by_operator)
        assert Payload.objects.filter(pk__in=Event.objects.filter(partner_id=active.pk).values("pk")).count() == before > 0


class TestWhen:
    def test_not_before_the_time_is_over(self, submitted, by_operator):
        with pytest.raises(erasure.NotDue):
            erasure.erase(partner=submitted, by=by_operator)
        partners.delete(partner=submitted, by=by_operator)
        clock.tick(timedelta(days=29))
        with pytest.raises(erasure.NotDue):
            erasure.erase(partner=submitted, by=by_operator)
        assert partners.erasable_at(submitted) - clock.now() < timedelta(days=1)
        assert User.objects.filter(email="ann@acme.example").exists()

    def test_once_and_for_good(self, leaving, by_operator):
        stale = Partner.objects.get(pk=leaving.pk)
        erasure.erase(partner=leaving, by=by_operator)
        with pytest.raises(StaleState):
            erasure.erase(partner=leaving, by=by_operator)
        with pytest.raises(partners.Erased):
            partners.restore(partner=leaving, by=by_operator)
        with pytest.raises(StaleState):
            partners.restore(partner=stale, by=by_operator)

    def test_restored_partner_is_not_erased_and_waits_anew_when_closed_again(self, leaving, by_operator):
        partners.restore(partner=leaving, reason="A mistake", by=by_operator)
        assert (leaving.status, leaving.closed_at) == ("pending", None)
        assert Event.objects.get(type="partner.restored").data["reason"] == "A mistake"
        partners.close(partner=leaving, by=by_operator)
        with pytest.raises(erasure.NotDue):
            erasure.erase(partner=leaving, by=by_operator)


class TestWho:
    def test_operator_confirms_it_in_the_console(self, leaving, operator):
        client = Client()
        client.force_login(operator)
        place = f"/admin/partners/partner/{leaving.pk}/erase/"
        client.post(place, {"_form_submitted": "True"})
        leaving.refresh_from_db()
        assert leaving.erased_at is None, "it wants the yes"
        client.post(place, {"_form_submitted": "True", "_sure": "on"})
        leaving.refresh_from_db()
        assert leaving.erased_at

    def test_command(self, leaving, active):
        with pytest.raises(CommandError, match="no partner"):
            call_command("erase_partner", "ptn_nobody", "--yes")
        with pytest.raises(CommandError, match="once a partner is closed"):
            call_command("erase_partner", active.public_id, "--yes")
        said = StringIO()
        call_command("erase_partner", leaving.public_id, "--yes", stdout=said)
        assert leaving.public_id in said.getvalue()
        leaving.refresh_from_db()
        assert leaving.erased_at


class TestBanner:
    def test_every_page_says_why_calls_are_refused(self, signed_in, active, by_operator):
        client = signed_in(active, "viewer")
        partners.suspend(partner=active, reason="Unpaid invoices", by=by_operator)
        for page in ("", "settings/", "team/", "plan/"):
            assert client.get(f"/p/globex/{page}").content.decode().count("Unpaid invoices") == 1
        partners.close(partner=active, reason="Still unpaid", by=by_operator)
        page = client.get("/p/globex/settings/").content.decode()
        assert "Still unpaid" in page
        assert "it can be restored" in page
        assert "Still unpaid" in str(Event.objects.get(type="partner.closed").data)
