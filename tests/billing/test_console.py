"""The operators' console: invoices and payouts by confirmed deeds, prices, the ledger and its check."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from billing import payouts
from billing.models import Invoice, Payment, Payout, Price
from core import clock
from core.models import Event, User
from tests.billing.conftest import NOW, OPERATOR
from tests.billing.test_payouts import HELD

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "on"}


@pytest.fixture
def console(db) -> Client:
    return signed_in(User.objects.create_superuser("op@portico.example", "a long enough password"))


@pytest.fixture
def onlooker(db) -> Client:
    """An operator who may look at invoices and payouts and no more."""
    user = User.objects.create_user("look@portico.example", "a long enough password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_invoice", "view_payout"]))
    return signed_in(user)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(f"/admin/billing/{path}", follow=True)
    assert answer.status_code == status, path
    return answer.content.decode()


@pytest.fixture
def payout(invoice, account):
    [made] = payouts.run(by=OPERATOR, as_of=clock.now() + HELD).payouts
    return made


class TestInvoices:
    def test_lines_and_deeds_are_on_the_page(self, console, invoice):
        assert invoice.number in page(console, "invoice/")
        detail = page(console, f"invoice/{invoice.pk}/change/")
        for said in ("Weather: calls", "$50.00", "Mark as paid", "Void", "Write off"):
            assert said in detail

    def test_paid_after_the_question(self, console, invoice):
        path = f"/admin/billing/invoice/{invoice.pk}/mark-paid/"
        assert "The whole amount has come in" in console.get(path).content.decode()
        assert Payment.objects.count() == 0
        answer = console.post(path, {**YES, "reference": "RF18"})
        assert answer.headers["HX-Redirect"].endswith(f"/invoice/{invoice.pk}/change/")
        assert Payment.objects.get().reference == "RF18"
        assert Event.objects.get(type="invoice.paid").actor_label == "op@portico.example"

    def test_no_deed_is_offered_or_done_twice(self, console, invoice):
        path = f"/admin/billing/invoice/{invoice.pk}/mark-paid/"
        console.post(path, YES)
        assert "mark-paid" not in page(console, f"invoice/{invoice.pk}/change/")
        assert console.post(path, YES).status_code == 403
        assert Payment.objects.count() == 1

    def test_voiding_wants_a_reason(self, console, invoice):
        path = f"/admin/billing/invoice/{invoice.pk}/void/"
        console.post(path, YES)
        assert Invoice.objects.get().status == "open"
        console.post(path, {**YES, "reason": "Mistake"})
        assert (Invoice.objects.get().status, Invoice.objects.get().closed_reason) == ("void", "Mistake")

    def test_who_may_look_may_not_act(self, onlooker, invoice):
        assert "mark-paid" not in page(onlooker, f"invoice/{invoice.pk}/change/")
        assert onlooker.post(f"/admin/billing/invoice/{invoice.pk}/mark-paid/", YES).status_code == 403
        assert Invoice.objects.get().status == "open"

    def test_nothing_is_typed_into_an_invoice(self, console, invoice):
        assert console.get("/admin/billing/invoice/add/").status_code == 403
        assert console.post(f"/admin/billing/invoice/{invoice.pk}/change/", {"total_minor": 1}).status_code == 403
        assert console.post(f"/admin/billing/invoice/{invoice.pk}/delete/", {"post": "yes"}).status_code == 403


class TestPayouts:
    def test_from_approval_to_paid(self, console, payout):
        path = f"/admin/billing/payout/{payout.pk}"
        assert "DE89370400440532013000" not in page(console, f"payout/{payout.pk}/change/"), "before there is something to do"
        console.post(f"{path}/hold/", {**YES, "reason": "Look again"})
        console.post(f"{path}/approve/", YES)
        assert "Transfer $42.50 to Globex GmbH, DE89370400440532013000" in page(console, f"payout/{payout.pk}/change/")
        console.post(f"{path}/mark-paid/", {**YES, "reference": "T-1"})
        assert Payout.objects.get().status == "paid"

    def test_failed(self, console, payout):
        console.post(f"/admin/billing/payout/{payout.pk}/approve/", YES)
        console.post(f"/admin/billing/payout/{payout.pk}/mark-failed/", {**YES, "reason": "Account closed"})
        assert Payout.objects.get().status == "failed"

    def test_account_numbers_are_for_those_who_act(self, onlooker, payout):
        payouts.approve(payout=payout, by=OPERATOR)
        assert "DE89370400440532013000" not in page(onlooker, f"payout/{payout.pk}/change/")


class TestPrices:
    NEW = {
        "name": "Data sent, GB",
        "meter": "bytes_out",
        "model": "per_unit",
        "currency": "USD",
        "unit_amount": "0.10",
        "unit_size": "1000000000",
        "flat_amount": "",
        "tiers": "[]",
        "valid_from_0": "2026-12-01",
        "valid_from_1": "00:00:00",
        "valid_until_0": "",
        "valid_until_1": "",
    }

    def test_made_and_told(self, console):
        assert console.post("/admin/billing/price/add/", self.NEW).status_code == 302
        assert str(Price.objects.get(meter="bytes_out").unit_amount) == "0.1000000000"
        assert Event.objects.get(type="price.changed").data["meter"] == "bytes_out"

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"valid_from_0": "2026-11-01"}, "Prices don&#x27;t change for what was used already"),
            ({"valid_from_0": "2026-11-23", "valid_from_1": "12:00:00"}, "Prices don&#x27;t change for what was used already"),
            ({"valid_from_1": "00:30:00"}, "full hour"),
            ({"unit_amount": ""}, "decimal string"),
            ({"model": "graduated"}, "A list of 1 to 50 tiers"),
            ({"valid_until_0": "2026-11-30", "valid_until_1": "00:00:00"}, "A price ends after it begins"),
        ],
    )
    def test_bad_ones_are_refused(self, console, change, said):
        answer = console.post("/admin/billing/price/add/", {**self.NEW, **change})
        assert said in answer.content.decode()
        assert not Price.objects.filter(meter="bytes_out").exists()

    def test_two_at_once_are_refused(self, console):
        console.post("/admin/billing/price/add/", self.NEW)
        answer = console.post("/admin/billing/price/add/", {**self.NEW, "valid_from_0": "2026-12-05"})
        assert "Another price of this meter holds" in answer.content.decode()

    def test_one_is_ended_and_the_next_begins(self, console, acme):
        price = Price.objects.get()
        form = {"name": "API calls", "valid_until_0": "2026-12-01", "valid_until_1": "00:00:00"}
        assert console.post(f"/admin/billing/price/{price.pk}/change/", form).status_code == 302
        assert console.post("/admin/billing/price/add/", {**self.NEW, "meter": "api_calls"}).status_code == 302
        assert Price.objects.filter(meter="api_calls").count() == 2

    def test_this_hour_is_too_late_to_end_one(self, console, acme):
        """Its calls may have been charged: at another price they would be charged again."""
        price = Price.objects.get()
        form = {"name": "API calls", "valid_until_0": "2026-11-23", "valid_until_1": "12:00:00"}
        answer = console.post(f"/admin/billing/price/{price.pk}/change/", form)
        assert "Choose a full hour to come" in answer.content.decode()

    @pytest.mark.parametrize("end", [("", ""), ("2026-12-01", "00:00:00")])
    def test_one_that_has_ended_is_not_revived_for_the_time_since(self, console, acme, end):
        ended = NOW.replace(day=10, hour=0, minute=0)
        Price.objects.update(valid_until=ended)
        form = {"name": "API calls", "valid_until_0": end[0], "valid_until_1": end[1]}
        answer = console.post(f"/admin/billing/price/{Price.objects.get().pk}/change/", form)
        assert "Prices don&#x27;t change for what was used already" in answer.content.decode()
        assert Price.objects.get().valid_until == ended

    def test_what_it_costs_is_not_changed(self, console, acme):
        price = Price.objects.get()
        form = {"name": "Calls", "unit_amount": "9", "valid_until_0": "", "valid_until_1": ""}
        console.post(f"/admin/billing/price/{price.pk}/change/", form)
        price.refresh_from_db()
        assert (price.name, str(price.unit_amount)) == ("Calls", "0.0100000000")


class TestLedger:
    def test_transactions_and_accounts_can_be_looked_at(self, console, invoice):
        from billing.models import Account, Transaction

        booked = Transaction.objects.get()
        assert booked.source in page(console, "transaction/")
        assert "$-42.50" in page(console, f"transaction/{booked.pk}/change/").replace("-$", "$-")
        assert "Receivable" in page(console, "account/")
        page(console, f"account/{Account.objects.first().pk}/change/")
        page(console, "earning/")

    def test_check_says_that_it_balances(self, console, invoice):
        assert "Balanced: 1 transactions" in page(console, "transaction/check/")

    def test_check_says_what_differs(self, console, invoice):
        Invoice.objects.update(total_minor=1, due_at=NOW + timedelta(days=1))
        assert "receivable: the ledger has $52.00, the documents say $0.01." in page(console, "transaction/check/")
