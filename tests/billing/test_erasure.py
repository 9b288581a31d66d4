"""A partner whose personal data is erased leaves its papers of money as they are."""

from datetime import timedelta

import pytest
from django.db import connection

from billing import invoices, payouts
from billing.models import PayoutAccount
from core import clock
from partners import erasure, partners
from partners.models import Company, Partner
from tests.billing.conftest import OPERATOR, assert_ledger_balances

pytestmark = pytest.mark.django_db


@pytest.fixture
def settled(acme, globex, invoice, account):
    """Acme has paid its invoice, and Globex got its share; both have gone for good."""
    invoices.mark_paid(invoice=invoice, by=OPERATOR)
    [payout] = payouts.run(by=OPERATOR, as_of=clock.now() + timedelta(days=31)).payouts
    payouts.approve(payout=payout, by=OPERATOR)
    payouts.mark_paid(payout=payout, by=OPERATOR)
    for gone in (acme, globex):
        Company.objects.update_or_create(
            partner=gone, defaults={"legal_name": f"{gone.name} Ltd", "tax_id": "GB 1", "contact_name": "Ann Lee"}
        )
        partners.close(partner=gone, by=OPERATOR)
    clock.tick(timedelta(days=31))
    return [acme, globex]


def papers() -> dict[str, list[str]]:
    """Every row of billing, but for the bank accounts that payouts would go to."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name.startswith("billing_")]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = [row for (row,) in cursor.fetchall()]
    found.pop("billing_payoutaccount")
    return found


def test_papers_of_money_stay_as_they_are(settled):
    before = papers()
    assert all(before[f"billing_{name}"] for name in ("invoice", "line", "payment", "earning", "payout", "entry", "transaction"))
    for gone in settled:
        erasure.erase(partner=gone, by=OPERATOR)
    assert papers() == before
    assert_ledger_balances()


def test_whom_they_name_stays_with_them(settled):
    for gone in settled:
        erasure.erase(partner=gone, by=OPERATOR)
    assert set(Partner.objects.filter(pk__in=[gone.pk for gone in settled]).values_list("name", flat=True)) == {"Acme", "Globex"}
    assert set(Company.objects.values_list("legal_name", "tax_id", "contact_name")) == {
        ("Acme Ltd", "GB 1", ""),
        ("Globex Ltd", "GB 1", ""),
    }


def test_bank_account_goes(settled):
    assert PayoutAccount.objects.exists()
    erasure.erase(partner=settled[1], by=OPERATOR)
    assert not PayoutAccount.objects.exists()
