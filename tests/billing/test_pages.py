"""The billing pages of a partner, and who may see them."""

import pytest
from django.test import Client

from billing import payouts
from billing.models import PayoutAccount
from core import clock
from core.models import User
from tests.billing.conftest import NOW, OPERATOR, count
from tests.billing.test_payouts import HELD

pytestmark = pytest.mark.django_db


def member(partner, role: str = "owner") -> Client:
    from partners import members

    user = User.objects.create_user(f"{role}@{partner.slug}.example", "a long enough password", name="Ann")
    members.add(partner=partner, user=user, role=role, by=OPERATOR)
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


class TestOverview:
    def test_this_month_so_far_is_not_invoiced_yet(self, acme, weather):
        count(acme, 40, at=NOW, integration=weather)
        page = text(member(acme), "/p/acme/billing/")
        assert "Weather: calls" in page
        assert "$2.00" in page

    def test_empty_says_what_to_do(self, acme):
        page = text(member(acme), "/p/acme/billing/")
        assert "Nothing to pay so far" in page
        assert "No invoices yet" in page
        assert "Add account" in page

    def test_seller_sees_what_is_in_hold(self, globex, invoice):
        page = text(member(globex), "/p/globex/billing/")
        assert "$42.50" in page

    @pytest.mark.parametrize(
        ("role", "status"), [("owner", 200), ("admin", 200), ("finance", 200), ("developer", 403), ("viewer", 403)]
    )
    def test_is_for_those_who_handle_money(self, acme, role, status):
        text(member(acme, role), "/p/acme/billing/", status)

    def test_does_not_exist_for_strangers(self, acme, globex):
        text(member(globex), "/p/acme/billing/", 404)


class TestInvoices:
    def test_list_and_detail(self, acme, invoice):
        client = member(acme, "finance")
        assert invoice.number in text(client, "/p/acme/billing/invoices/")
        page = text(client, f"/p/acme/billing/invoices/{invoice.public_id}/")
        for said in ("Weather: calls", "1,000", "$50.00", "$0.05", "Transfer $52.00 and quote 2026-000001"):
            assert said in page

    def test_another_partners_is_not_found(self, acme, globex, invoice):
        text(member(globex), f"/p/globex/billing/invoices/{invoice.public_id}/", 404)
        text(member(acme), "/p/acme/billing/invoices/inv_x/", 404)

    def test_test_environment_has_none(self, acme, invoice):
        client = member(acme)
        client.post("/p/acme/environment", {"environment": "test"})
        assert "Nothing is billed in test" in text(client, "/p/acme/billing/")
        text(client, f"/p/acme/billing/invoices/{invoice.public_id}/", 404)


class TestPayouts:
    def test_list_and_detail(self, globex, invoice, account):
        [payout] = payouts.run(by=OPERATOR, as_of=clock.now() + HELD).payouts
        client = member(globex)
        assert "Waiting for approval" in text(client, "/p/globex/billing/payouts/")
        assert "Weather: calls" in text(client, f"/p/globex/billing/payouts/{payout.public_id}/")
        assert "Weather: calls" in text(client, "/p/globex/billing/earnings/")


class TestAccount:
    PATH = "/p/acme/billing/payout-account/"
    FORM = {"holder": "Acme Ltd", "account_number": "GB82 WEST 1234 5698 7654 32", "bank_code": "", "country": "gb"}

    def test_is_set_and_never_shown_whole(self, acme):
        client = member(acme)
        answer = client.post(self.PATH, self.FORM, follow=True)
        assert "…5432" in answer.content.decode()
        assert PayoutAccount.objects.get().country == "GB"
        assert "GB82" not in text(client, self.PATH)

    def test_mistakes_stand_at_their_field(self, acme):
        answer = member(acme).post(self.PATH, {**self.FORM, "account_number": "GB82 WEST 1234 5698 7654 33"})
        assert (answer.status_code, "typing error" in answer.content.decode()) == (422, True)
        assert not PayoutAccount.objects.exists()
