"""An issued invoice is paid, falls overdue, is voided or written off, and the ledger follows."""

from datetime import timedelta

import pytest

from billing import earnings, invoices, payouts
from billing.models import Account, Earning, Invoice, Payment
from core import clock
from core.models import Event
from core.states import StaleState
from tests.billing.conftest import OCTOBER, OPERATOR, assert_ledger_balances, close, count

pytestmark = pytest.mark.django_db


def balance(kind: str) -> int:
    return sum(account.balance.minor for account in Account.objects.filter(kind=kind))


def events_of(invoice) -> list[str]:
    return list(Event.objects.filter(subject=invoice.public_id).order_by("pk").values_list("type", flat=True))


class TestIssue:
    def test_receivable_against_revenue_fees_and_the_sellers_share(self, invoice):
        assert balance("receivable") == 5200
        assert (balance("revenue"), balance("marketplace_fees"), balance("earnings_pending")) == (-200, -750, -4250)
        assert events_of(invoice) == ["invoice.issued"]

    def test_a_draft_is_issued_once(self, invoice):
        with pytest.raises(StaleState):
            invoices.issue(invoice=invoice)


class TestPaid:
    def test_money_moves_from_receivable_to_cash(self, invoice):
        payment = invoices.mark_paid(invoice=invoice, reference="RF18", by=OPERATOR)
        assert (balance("receivable"), balance("cash")) == (0, 5200)
        assert (invoice.status, str(payment.amount), payment.reference) == ("paid", "$52.00", "RF18")
        assert_ledger_balances()

    def test_tells_invoice_paid_and_payment_processed(self, invoice):
        payment = invoices.mark_paid(invoice=invoice, by=OPERATOR)
        assert events_of(invoice) == ["invoice.issued", "invoice.paid"]
        told = Event.objects.get(type="payment.processed")
        assert told.partner_id == invoice.partner_id
        assert told.data == {
            "payment_id": payment.public_id,
            "amount": "52.00",
            "currency": "USD",
            "invoice_id": invoice.public_id,
        }

    def test_only_once(self, invoice):
        invoices.mark_paid(invoice=invoice, by=OPERATOR)
        with pytest.raises(StaleState):
            invoices.mark_paid(invoice=Invoice.objects.get(), by=OPERATOR)
        assert Payment.objects.count() == 1


class TestOverdue:
    def test_after_its_due_date_and_not_before(self, invoice):
        clock.tick(timedelta(days=13))
        assert invoices.mark_overdue() == 0
        clock.tick(timedelta(days=2))
        assert invoices.mark_overdue() == 1
        assert invoices.mark_overdue() == 0
        assert events_of(invoice) == ["invoice.issued", "invoice.overdue"]

    def test_its_earnings_wait_until_it_is_paid(self, invoice):
        clock.tick(timedelta(days=31))
        invoices.mark_overdue()
        assert earnings.mature(at=clock.now()) == 0
        invoices.mark_paid(invoice=Invoice.objects.get(), by=OPERATOR)
        assert earnings.mature(at=clock.now()) == 1
        assert_ledger_balances()


class TestVoid:
    def test_everything_is_undone(self, invoice):
        invoices.void(invoice=invoice, reason="Mistake", by=OPERATOR)
        kinds = ("receivable", "revenue", "marketplace_fees", "earnings_pending", "earnings_available")
        assert [balance(kind) for kind in kinds] == [0] * 5
        assert Earning.objects.get().status == "reversed"
        assert_ledger_balances()

    def test_its_charges_are_not_made_again(self, acme, invoice):
        invoices.void(invoice=invoice, reason="Goodwill", by=OPERATOR)
        assert close(OCTOBER, acme) == [invoice]
        count(acme, 5)
        [later] = close(OCTOBER + timedelta(days=31), acme, as_of=clock.now())
        assert later.lines.get().quantity == 5

    def test_what_was_already_available_is_taken_from_the_next_payout(self, invoice):
        earnings.mature(at=clock.now() + timedelta(days=31))
        invoices.void(invoice=invoice, reason="Mistake", by=OPERATOR)
        assert balance("earnings_available") == 0
        assert [earning.amount_minor for earning in Earning.objects.order_by("pk")] == [4250, -4250]
        assert_ledger_balances()

    def test_what_was_already_paid_out_is_owed(self, invoice, account, globex):
        [payout] = payouts.run(by=OPERATOR, as_of=clock.now() + timedelta(days=31)).payouts
        payouts.approve(payout=payout, by=OPERATOR)
        payouts.mark_paid(payout=payout, by=OPERATOR)
        invoices.void(invoice=invoice, reason="Mistake", by=OPERATOR)
        assert balance("earnings_available") == 4250
        assert payouts.run(by=OPERATOR).skipped[0].reason == "below_minimum"
        assert_ledger_balances()

    def test_a_paid_one_can_not_be_voided(self, invoice):
        invoices.mark_paid(invoice=invoice, by=OPERATOR)
        with pytest.raises(StaleState):
            invoices.void(invoice=invoice, reason="x", by=OPERATOR)


class TestWriteOff:
    def test_earnings_in_hold_share_the_loss(self, invoice):
        invoices.write_off(invoice=invoice, reason="Insolvent", by=OPERATOR)
        assert (balance("receivable"), balance("bad_debt"), balance("earnings_pending")) == (0, 950, 0)
        assert_ledger_balances()

    def test_earnings_that_are_available_stay(self, invoice):
        earnings.mature(at=clock.now() + timedelta(days=31))
        invoices.write_off(invoice=invoice, reason="Insolvent", by=OPERATOR)
        assert (balance("bad_debt"), balance("earnings_available")) == (5200, -4250)
        assert_ledger_balances()


class TestApi:
    PATH = "/api/partner/v1/billing/invoices"

    def test_partner_sees_its_invoice_with_lines(self, api, acme, invoice, weather):
        [listed] = api("GET", self.PATH, partner=acme).json()["data"]
        assert (listed["id"], listed["number"], listed["month"]) == (invoice.public_id, "2026-000001", "2026-10")
        detail = api("GET", f"{self.PATH}/{invoice.public_id}", partner=acme).json()
        assert [(line["quantity"], line["amount"]["amount"], line["integration_id"]) for line in detail["lines"]] == [
            (200, "2.00", None),
            (1000, "50.00", weather.public_id),
        ]

    def test_strangers_and_the_test_environment_do_not(self, api, acme, globex, invoice):
        assert api("GET", f"{self.PATH}/{invoice.public_id}", partner=globex).status_code == 404
        assert api("GET", f"{self.PATH}/{invoice.public_id}", partner=acme, environment="test").status_code == 404
        assert api("GET", self.PATH, partner=globex).json()["data"] == []

    def test_needs_the_scope(self, api, acme):
        assert api("GET", self.PATH, partner=acme, scopes=["usage:read"]).status_code == 403

    def test_unknown_filters_are_refused(self, api, acme):
        assert api("GET", f"{self.PATH}?colour=red", partner=acme).status_code == 422

    def test_operator_marks_it_paid_once(self, api, invoice):
        path = f"/api/operator/v1/billing/invoices/{invoice.public_id}/mark-paid"
        first = api("POST", path, {"reference": "RF18"})
        assert (first.status_code, first.json()["status"]) == (200, "paid")
        assert api("POST", path, {}).status_code == 409

    def test_operator_finds_unpaid_ones(self, api, invoice, acme, globex):
        path = "/api/operator/v1/billing/invoices"
        assert len(api("GET", f"{path}?status=open&partner_id={acme.public_id}").json()["data"]) == 1
        assert api("GET", f"{path}?status=open&partner_id={globex.public_id}").json()["data"] == []

    def test_prices_in_force(self, api, acme):
        [price] = api("GET", "/api/partner/v1/billing/prices", partner=acme).json()["data"]
        assert (price["meter"], price["unit_amount"], price["currency"]) == ("api_calls", "0.01", "USD")
