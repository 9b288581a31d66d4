"""Earnings are held, then paid out: to the cent, and never twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from billing import earnings, ledger, payouts
from billing.models import Account, Earning, Payout, PayoutAccount, PayoutItem
from core import clock
from core.models import Event
from core.money import Money
from core.problems import ValidationError
from core.states import StaleState
from tests.billing.conftest import (
    OCTOBER,
    OPERATOR,
    assert_ledger_balances,
    close,
    count,
    install,
    make_integration,
    make_partner,
    together,
)

HELD = timedelta(days=31)


def run(**facts) -> payouts.Run:
    return payouts.run(by=OPERATOR, as_of=clock.now() + HELD, **facts)


@pytest.fixture
def payout(invoice, account):
    [made] = run().payouts
    return made


class TestSplit:
    """The platform's fee and the seller's share are the price, exactly."""

    @given(minor=st.integers(min_value=0, max_value=10**12), rate=st.decimals(min_value=0, max_value=1, places=4))
    def test_no_cent_is_lost_or_made(self, minor, rate):
        fee, share = earnings.split(Money(minor, "USD"), rate)
        assert fee + share == Money(minor, "USD")
        assert 0 <= fee.minor <= minor
        assert abs(Decimal(fee.minor) - minor * rate) <= Decimal("0.5")

    @pytest.mark.django_db
    def test_each_seller_by_the_fee_of_its_tier(self, acme, globex, weather):
        enterprise = make_partner("Initech", marketplace_fee=Decimal("0.05"))
        other = make_integration(enterprise, "0.07", slug="other")
        install(acme, other)
        count(acme, 3, integration=weather)
        count(acme, 3, integration=other)
        close(OCTOBER, acme)
        rows = {earning.partner_id: earning for earning in Earning.objects.all()}
        first, second = rows[globex.pk], rows[enterprise.pk]
        assert (first.gross_minor, first.fee_minor, first.amount_minor) == (15, 2, 13)
        assert (second.gross_minor, second.fee_minor, second.amount_minor) == (21, 1, 20)
        assert {earning.line.target for earning in rows.values()} == {weather.pk, other.pk}
        assert_ledger_balances()

    @pytest.mark.django_db
    def test_a_share_that_does_not_add_up_is_refused_by_the_database(self, invoice):
        with pytest.raises(IntegrityError, match="earning_splits_exactly"), transaction.atomic():
            Earning.objects.update(amount_minor=1)


@pytest.mark.django_db
class TestRun:
    def test_nothing_before_the_hold_has_passed(self, invoice, account):
        done = payouts.run(by=OPERATOR)
        assert (done.matured, done.payouts) == (0, [])

    def test_a_payout_of_everything_available(self, payout, globex):
        assert (str(payout.amount), payout.status, payout.partner) == ("$42.50", "pending", globex)
        [standing] = ledger.balances(globex)
        assert (standing.pending.minor, standing.available.minor, standing.in_transit.minor) == (0, 0, 4250)
        assert_ledger_balances()

    def test_again_makes_no_second_one(self, payout):
        assert run().payouts == []
        assert Payout.objects.count() == 1

    def test_without_an_account_the_money_stays(self, invoice, globex):
        done = run()
        assert [(skipped.partner, skipped.reason) for skipped in done.skipped] == [(globex, "no_payout_account")]
        assert ledger.balances(globex)[0].available.minor == 4250

    def test_an_account_of_the_test_environment_is_never_paid_to(self, invoice, globex, account):
        PayoutAccount.objects.update(environment="test")
        assert run().skipped[0].reason == "no_payout_account"

    def test_a_small_sum_waits_for_more(self, acme, weather, account, globex):
        count(acme, 10, integration=weather)
        close(OCTOBER, acme)
        assert run().skipped[0].reason == "below_minimum"
        count(acme, 20, integration=weather)
        close(OCTOBER + timedelta(days=31), acme, as_of=clock.now())
        assert str(run().payouts[0].amount) == "$1.27"
        assert_ledger_balances()

    def test_a_suspended_partner_waits(self, invoice, account, globex):
        type(globex).objects.filter(pk=globex.pk).update(status="suspended")
        assert run().skipped[0].reason == "partner_not_active"

    def test_one_partner_alone(self, invoice, account, acme, globex):
        assert run(partner=acme).payouts == []
        assert len(run(partner=globex).payouts) == 1

    def test_an_earning_in_two_payouts_is_refused_by_the_database(self, payout):
        other = Payout.objects.create(
            partner=payout.partner,
            environment="live",
            amount_minor=1,
            currency="USD",
            processor="manual",
            destination="{}",
            destination_hint="",
        )
        with pytest.raises(IntegrityError, match="earning_in_one_payout"), transaction.atomic():
            PayoutItem.objects.create(payout=other, earning=Earning.objects.get())


@pytest.mark.django_db
class TestSettle:
    def test_paid(self, payout, globex):
        payouts.approve(payout=payout, by=OPERATOR)
        payouts.mark_paid(payout=payout, reference="T-1", by=OPERATOR)
        assert Earning.objects.get().status == "paid"
        assert Account.objects.get(kind="cash").balance == Money(-4250, "USD")
        told = Event.objects.filter(subject=payout.public_id).order_by("pk").values_list("type", flat=True)
        assert list(told) == ["payout.created", "payout.approved", "payout.paid"]
        assert_ledger_balances()

    def test_not_before_it_is_approved(self, payout):
        for verb, facts in ((payouts.mark_paid, {}), (payouts.mark_failed, {"reason": ""})):
            with pytest.raises(StaleState):
                verb(payout=payout, by=OPERATOR, **facts)

    def test_not_while_it_is_held(self, payout):
        payouts.approve(payout=payout, by=OPERATOR)
        payouts.hold(payout=payout, reason="Name differs", by=OPERATOR)
        with pytest.raises(StaleState):
            payouts.mark_paid(payout=payout, by=OPERATOR)
        payouts.approve(payout=payout, by=OPERATOR)
        payouts.mark_paid(payout=payout, by=OPERATOR)
        assert payout.status == "paid"

    def test_not_approved_while_its_partner_is_suspended(self, payout, globex):
        type(globex).objects.filter(pk=globex.pk).update(status="suspended")
        with pytest.raises(payouts.Suspended):
            payouts.approve(payout=payout, by=OPERATOR)
        payouts.hold(payout=payout, reason="Fraud?", by=OPERATOR)
        type(globex).objects.filter(pk=globex.pk).update(status="active")
        payouts.approve(payout=payout, by=OPERATOR)
        assert payout.status == "approved"

    def test_failed_money_is_paid_by_the_next_run(self, payout, globex):
        payouts.approve(payout=payout, by=OPERATOR)
        payouts.mark_failed(payout=payout, reason="Account closed", by=OPERATOR)
        assert ledger.balances(globex)[0].available.minor == 4250
        assert_ledger_balances()
        [second] = run().payouts
        payouts.approve(payout=second, by=OPERATOR)
        payouts.mark_paid(payout=second, by=OPERATOR)
        assert (second.amount, second != payout) == (payout.amount, True)
        assert payout.items.count() == 1, "what was in the failed one stays on record"
        assert_ledger_balances()

    def test_a_new_account_does_not_redirect_it(self, payout, globex):
        before = Payout.objects.get().destination
        payouts.set_account(
            partner=globex, environment="live", holder="Eve", account_number="12345678", bank_code="", country="US", by=OPERATOR
        )
        assert Payout.objects.get().destination == before


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_runs_at_once_pay_once(self, invoice, account):
        together(6, run)
        assert [payout.amount_minor for payout in Payout.objects.all()] == [4250]
        assert_ledger_balances()

    def test_two_operators_settle_it_once(self, payout):
        payouts.approve(payout=payout, by=OPERATOR)
        results = []

        def settle(number: int) -> None:
            mine = Payout.objects.get()
            try:
                if number % 2:
                    payouts.mark_paid(payout=mine, by=OPERATOR)
                else:
                    payouts.mark_failed(payout=mine, reason="", by=OPERATOR)
            except StaleState:
                return
            results.append(number)

        together(6, settle, numbered=True)
        assert len(results) == 1
        assert_ledger_balances()


@pytest.mark.django_db
class TestAccount:
    PATH = "/api/partner/v1/billing/payout-account"
    BODY = {"holder": "Acme Ltd", "account_number": "GB82 WEST 1234 5698 7654 32", "country": "GB"}

    def test_number_is_shown_by_its_end_and_stored_encrypted(self, api, acme):
        assert api("GET", self.PATH, partner=acme).status_code == 404
        answer = api("PUT", self.PATH, self.BODY, partner=acme)
        assert (answer.status_code, answer.json()["account"]) == (200, "…5432")
        assert "GB82" not in answer.content.decode() + api("GET", self.PATH, partner=acme).content.decode()
        with transaction.get_connection().cursor() as cursor:
            cursor.execute("SELECT account_number FROM billing_payoutaccount")
            assert b"GB82" not in bytes(cursor.fetchone()[0])
        assert PayoutAccount.objects.get().account_number == "GB82WEST12345698765432"

    def test_the_audit_log_has_no_number(self, api, acme):
        api("PUT", self.PATH, self.BODY, partner=acme)
        assert "WEST" not in str(Event.objects.get(type="payout_account.changed").data)

    def test_a_mistyped_iban_is_refused(self, api, acme):
        answer = api("PUT", self.PATH, {**self.BODY, "account_number": "GB82 WEST 1234 5698 7654 33"}, partner=acme)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/account_number")

    @pytest.mark.parametrize(
        "bad",
        [{"bank_code": "ß" * 20}, {"bank_code": "COBA/DE"}, {"account_number": "1  2"}, {"account_number": "12345,\nto Eve"}],
    )
    def test_what_is_no_number_or_code_is_refused(self, api, acme, bad):
        answer = api("PUT", self.PATH, {**self.BODY, **bad}, partner=acme)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{next(iter(bad))}")

    def test_each_environment_and_partner_has_its_own(self, api, acme, globex):
        api("PUT", self.PATH, self.BODY, partner=acme, environment="test")
        assert api("GET", self.PATH, partner=acme).status_code == 404
        assert api("GET", self.PATH, partner=globex, environment="test").status_code == 404

    def test_reading_is_not_writing(self, api, acme):
        assert api("PUT", self.PATH, self.BODY, partner=acme, scopes=["billing:read"]).status_code == 403

    def test_other_account_numbers_are_taken_as_they_are(self, acme):
        made = payouts.set_account(
            partner=acme,
            environment="live",
            holder="A",
            account_number="000123456789",
            bank_code="021000021",
            country="US",
            by=OPERATOR,
        )
        assert made.hint == "…6789"
        with pytest.raises(ValidationError):
            payouts.set_account(
                partner=acme,
                environment="live",
                holder="A",
                account_number="DE00370400440532013000",
                bank_code="",
                country="DE",
                by=OPERATOR,
            )


@pytest.mark.django_db
class TestApi:
    def test_from_balance_to_paid(self, api, invoice, account, globex):
        partner, operator = "/api/partner/v1/billing", "/api/operator/v1/payouts"
        [standing] = api("GET", f"{partner}/balance", partner=globex).json()["data"]
        assert (standing["pending"]["amount"], standing["available"]["amount"]) == ("42.50", "0.00")
        [earning] = api("GET", f"{partner}/earnings", partner=globex).json()["data"]
        assert (earning["status"], earning["gross"]["amount"], earning["fee"]["amount"]) == ("pending", "50.00", "7.50")

        ran = api("POST", f"{operator}/run", {"as_of": (clock.now() + HELD).isoformat(), "partner_id": globex.public_id}).json()
        assert (ran["matured"], ran["skipped"], [payout["status"] for payout in ran["payouts"]]) == (1, [], ["pending"])
        one = ran["payouts"][0]["id"]
        assert api("POST", f"{operator}/{one}/mark-paid", {}).status_code == 409
        assert api("POST", f"{operator}/{one}/hold", {"reason": "Look again"}).json()["status"] == "held"
        assert api("POST", f"{operator}/{one}/approve").json()["status"] == "approved"
        assert api("POST", f"{operator}/{one}/mark-paid", {"reference": "T-1"}).json()["status"] == "paid"
        assert api("POST", f"{operator}/{one}/mark-paid", {}).status_code == 409
        assert api("POST", f"{operator}/{one}/mark-failed", {}).status_code == 409
        assert [found["id"] for found in api("GET", f"{operator}?status=paid").json()["data"]] == [one]

        detail = api("GET", f"{partner}/payouts/{one}", partner=globex).json()
        assert (detail["amount"]["amount"], detail["earnings"][0]["id"]) == ("42.50", earning["id"])
        assert api("GET", "/api/operator/v1/ledger/check").json()["balanced"] is True

    def test_failed_by_api_is_available_again(self, api, payout, globex):
        path = f"/api/operator/v1/payouts/{payout.public_id}"
        api("POST", f"{path}/approve")
        assert api("POST", f"{path}/mark-failed", {"reason": "Account closed"}).json()["reason"] == "Account closed"
        [standing] = api("GET", "/api/partner/v1/billing/balance", partner=globex).json()["data"]
        assert standing["available"]["amount"] == "42.50"

    def test_strangers_see_nothing(self, api, payout, acme, globex):
        assert api("GET", f"/api/partner/v1/billing/payouts/{payout.public_id}", partner=acme).status_code == 404
        assert (
            api("GET", f"/api/partner/v1/billing/payouts/{payout.public_id}", partner=globex, environment="test").status_code
            == 404
        )
        for what in ("payouts", "earnings"):
            assert api("GET", f"/api/partner/v1/billing/{what}", partner=acme).json()["data"] == []
        [standing] = api("GET", "/api/partner/v1/billing/balance", partner=globex, environment="test").json()["data"]
        assert standing["in_transit"]["amount"] == "0.00"

    def test_a_partner_can_not_settle(self, api, payout, globex):
        assert api("POST", f"/api/operator/v1/payouts/{payout.public_id}/approve", partner=globex).status_code == 404
