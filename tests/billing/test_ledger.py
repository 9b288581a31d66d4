"""The ledger's rules hold in the database, whoever writes to it."""

import pytest
from django.db import IntegrityError, connection, transaction

from billing import ledger, reconciliation
from billing.ledger import Kind, credit, debit
from billing.models import Account, Entry, Invoice, Transaction
from core import ids
from core.money import Money
from tests.billing.conftest import assert_ledger_balances, make_partner, together

TEN = Money(1000, "USD")


def insert(count: int, amounts: list[tuple[Account, int]]) -> Transaction:
    booked = Transaction.objects.create(kind="invoice_paid", source=ids.encode("inv", ids.new()), entry_count=count)
    for account, minor in amounts:
        Entry.objects.create(transaction=booked, account=account, amount_minor=minor)
    return booked


@pytest.fixture
def cash(transactional_db):
    return Account.objects.create(kind=Kind.CASH, currency="USD")


@pytest.fixture
def revenue(transactional_db):
    return Account.objects.create(kind=Kind.REVENUE, currency="USD")


class TestTheDatabaseRefuses:
    """By plain SQL, at commit."""

    def test_entries_that_do_not_sum_to_zero(self, cash, revenue):
        with pytest.raises(IntegrityError, match="does not sum to zero"), transaction.atomic():
            insert(2, [(cash, 100), (revenue, -99)])
        assert Transaction.objects.count() == 0

    def test_a_sum_across_currencies(self, cash):
        euros = Account.objects.create(kind=Kind.REVENUE, currency="EUR")
        with pytest.raises(IntegrityError, match="does not sum to zero"), transaction.atomic():
            insert(2, [(cash, 100), (euros, -100)])

    def test_a_transaction_without_entries(self, transactional_db):
        with pytest.raises(IntegrityError, match="has 0 entries"), transaction.atomic():
            insert(2, [])

    def test_a_single_entry(self, cash):
        with pytest.raises(IntegrityError), transaction.atomic():
            insert(1, [(cash, 100)])

    def test_entries_added_later_even_if_they_balance(self, cash, revenue):
        with transaction.atomic():
            booked = insert(2, [(cash, 100), (revenue, -100)])
        others = [Account.objects.create(kind=kind, currency="USD") for kind in (Kind.BAD_DEBT, Kind.MARKETPLACE_FEES)]
        more = [
            Entry(transaction=booked, account=account, amount_minor=minor) for account, minor in zip(others, (5, -5), strict=True)
        ]
        with pytest.raises(IntegrityError, match="has 4 entries, not 2"), transaction.atomic():
            Entry.objects.bulk_create(more)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE billing_entry SET amount_minor = amount_minor * 2",
            "DELETE FROM billing_entry",
            "UPDATE billing_transaction SET source = 'x'",
            "DELETE FROM billing_transaction",
            "UPDATE billing_account SET currency = 'EUR'",
            "DELETE FROM billing_account",
        ],
    )
    def test_changes_and_deletions(self, cash, revenue, statement):
        with transaction.atomic():
            insert(2, [(cash, 100), (revenue, -100)])
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_a_partners_account_without_partner(self, transactional_db):
        with pytest.raises(IntegrityError, match="account_owner"):
            Account.objects.create(kind=Kind.RECEIVABLE, currency="USD")


@pytest.mark.django_db
class TestPost:
    """One movement, once."""

    def test_booked_twice_moves_once(self):
        partner = make_partner("Acme")
        postings = [debit(Kind.RECEIVABLE, TEN, partner), credit(Kind.REVENUE, TEN)]
        first = ledger.post(kind=Transaction.Kind.INVOICE_ISSUED, source=partner, postings=postings)
        second = ledger.post(kind=Transaction.Kind.INVOICE_ISSUED, source=partner, postings=postings)
        assert first == second
        assert Account.objects.get(kind=Kind.RECEIVABLE).balance == TEN
        assert Account.objects.get(kind=Kind.REVENUE).balance == -TEN

    def test_postings_that_do_not_sum_to_zero_are_refused(self):
        partner = make_partner("Acme")
        with pytest.raises(ValueError, match="sums to zero"):
            ledger.post(
                kind=Transaction.Kind.INVOICE_PAID,
                source=partner,
                postings=[debit(Kind.CASH, TEN), credit(Kind.REVENUE, Money(999, "USD"))],
            )


@pytest.mark.django_db(transaction=True)
def test_first_bookings_of_both_sides_at_once_do_not_lock_each_other_out():
    """Each makes the accounts that it needs; in whatever order it names them, they are made in one order."""
    partner = make_partner("Acme")
    currencies = ["USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF"]

    def book(number: int) -> None:
        for currency in currencies:
            money = Money(100, currency)
            postings = [debit(Kind.RECEIVABLE, money, partner), credit(Kind.REVENUE, money)]
            source = Invoice(partner=partner, currency=currency)
            ledger.post(kind=Transaction.Kind.INVOICE_ISSUED, source=source, postings=postings[:: 1 if number % 2 else -1])

    together(4, book, numbered=True)
    assert Transaction.objects.count() == 4 * len(currencies)


@pytest.mark.django_db
class TestCheck:
    """The balances are compared with what the documents say."""

    def test_money_without_a_document_is_a_difference(self):
        partner = make_partner("Acme")
        ledger.post(
            kind=Transaction.Kind.INVOICE_ISSUED,
            source=partner,
            postings=[debit(Kind.RECEIVABLE, TEN, partner), credit(Kind.REVENUE, TEN)],
        )
        report = reconciliation.check()
        assert not report.balanced
        assert {(found.what, found.ledger.minor, found.documents.minor) for found in report.differences} == {
            ("receivable", 1000, 0),
            ("revenue", -1000, 0),
        }

    def test_a_document_that_was_changed_is_a_difference(self, invoice):
        assert_ledger_balances()
        type(invoice).objects.filter(pk=invoice.pk).update(total_minor=invoice.total_minor + 1)
        [found] = reconciliation.check().differences
        assert (found.what, found.ledger.minor, found.documents.minor) == ("receivable", 5200, 5201)

    def test_operator_sees_it(self, api, invoice):
        answer = api("GET", "/api/operator/v1/ledger/check").json()
        assert (answer["balanced"], answer["differences"]) == (True, [])
        assert answer["transactions"] == 1

    def test_partner_does_not(self, api, acme):
        assert api("GET", "/api/operator/v1/ledger/check", partner=acme).status_code == 404
