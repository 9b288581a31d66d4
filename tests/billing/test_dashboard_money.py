"""What a partner earned and what it is owed, on its dashboard."""

from billing.models import Invoice
from tests.callers import Caller


def test_earnings_are_shown_and_an_account_is_asked_for(invoice, globex):
    found = Caller("key", globex.pk).get("/partner/dashboard")
    money = {"amount": "42.50", "currency": "USD"}
    assert found["finances"]["revenue"] == [{"month": money, "ever": money}]
    assert found["finances"]["balances"][0]["pending"] == money
    assert "payout_account" in [task["code"] for task in found["todo"]]


def test_account_is_no_longer_asked_for(invoice, globex, account):
    assert "payout_account" not in [task["code"] for task in Caller("key", globex.pk).get("/partner/dashboard")["todo"]]


def test_overdue_invoice_comes_first(invoice, acme):
    Invoice.objects.filter(pk=invoice.pk).update(status=Invoice.Status.OVERDUE)
    found = Caller("key", acme.pk).get("/partner/dashboard")
    assert found["finances"]["overdue_invoices"] == 1
    assert (found["todo"][0]["code"], found["todo"][0]["severity"]) == ("invoice_overdue", "bad")
    assert found["finances"]["balances"][0]["owed"] == {"amount": "52.00", "currency": "USD"}
