"""A month closes once, any day and again, and no call is charged twice."""

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from billing import closing, tasks
from billing.api import operators
from billing.models import Closing, Counter, Invoice, Line, Price
from core import clock
from core.problems import ValidationError
from partners import partners
from partners.models import Partner, Tier
from tests.billing.conftest import (
    NOW,
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

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def charged(partner) -> tuple[int, int]:
    """Calls and minor units of all lines."""
    lines = Line.objects.filter(invoice__partner=partner)
    return sum(line.quantity for line in lines), sum(line.amount_minor for line in lines)


def tier(*, quota=None, over="stop", price_minor=0):
    rank = Tier.objects.count() + 100
    facts = {"monthly_quota": quota, "over_quota": over, "price_minor": price_minor}
    return Tier.objects.create(slug=f"tier-{rank}", name=f"Tier {rank}", rank=rank, **facts)


def move(partner, to: Tier, *, at: datetime) -> Partner:
    """The partner on another tier, since `at`."""
    moved = Partner.objects.get(pk=partner.pk)
    partners.change_tier(partner=moved, tier=to, by=OPERATOR)
    moved.tier_changes.update(changed_at=at)
    return moved


@pytest.mark.django_db
class TestWholeMonth:
    def test_invoice_has_a_line_for_each_price(self, acme, invoice):
        assert (invoice.number, invoice.status, str(invoice.total)) == ("2026-000001", "open", "$52.00")
        assert [(line.kind, line.description, line.quantity, str(line.amount)) for line in invoice.lines.all()] == [
            ("usage", "API calls", 200, "$2.00"),
            ("integration", "Weather: calls", 1000, "$50.00"),
        ]
        assert (invoice.period_start, invoice.period_end) == (OCTOBER, NOVEMBER)

    def test_again_gives_the_same_invoice(self, acme, invoice):
        assert close(OCTOBER, acme) == [invoice]
        assert close(OCTOBER) == [invoice]
        assert Invoice.objects.count() == 1

    def test_nothing_used_is_no_invoice(self, acme):
        assert close(OCTOBER, acme) == []

    def test_calls_of_other_months_are_not_in_it(self, acme):
        count(acme, 10, at=OCTOBER - HOUR)
        count(acme, 20, at=OCTOBER)
        count(acme, 40, at=NOVEMBER - HOUR)
        count(acme, 80, at=NOVEMBER)
        [invoice] = close(OCTOBER, acme)
        assert invoice.lines.get().quantity == 60

    def test_a_running_month_needs_as_of(self, acme):
        with pytest.raises(ValidationError):
            close(NOVEMBER, acme)

    def test_a_month_to_come_is_refused(self, acme):
        with pytest.raises(ValidationError):
            close(datetime(2026, 12, 1, tzinfo=UTC), acme, as_of=datetime(2026, 12, 5, tzinfo=UTC))

    def test_a_partner_that_fails_does_not_hold_up_the_others(self, acme, globex):
        """Its price is more than money can be; it is named at the end, and what it used is charged once that is mended."""
        other = make_partner("Other", monthly_quota=0, over_quota="charge")
        broken = make_integration(globex, "999999", slug="broken")
        install(acme, broken)
        count(acme, 10**14, integration=broken)
        count(other, 100)
        with pytest.raises(ExceptionGroup, match="1 of 3 partners failed"):
            close(OCTOBER)
        assert [invoice.partner for invoice in Invoice.objects.all()] == [other]

    def test_every_partner_is_closed(self, acme, globex):
        count(acme, 100)
        others = [make_partner(f"Other {number}", monthly_quota=0, over_quota="charge") for number in range(3)]
        for other in others:
            count(other, 100)
        assert {invoice.partner for invoice in close(OCTOBER)} == {acme, *others}

    def test_what_was_counted_late_is_on_the_next_invoice(self, acme, invoice):
        count(acme, 30, at=OCTOBER)
        count(acme, 7, at=NOVEMBER)
        assert close(OCTOBER, acme) == [invoice]
        [later] = close(NOVEMBER, acme, as_of=NOW)
        assert [(line.period_start, line.quantity) for line in later.lines.all()] == [(OCTOBER, 30), (NOVEMBER, 7)]


@pytest.mark.django_db
class TestWhatIsCharged:
    def test_test_calls_never(self, acme, weather):
        count(acme, 500, environment="test")
        count(acme, 500, environment="test", integration=weather)
        assert close(OCTOBER, acme) == []

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_what_failed_on_this_side_never(self, acme, weather, status):
        """A dead upstream earns its seller nothing."""
        count(acme, 500, status=status)
        count(acme, 500, integration=weather, status=status)
        assert close(OCTOBER, acme) == []

    def test_what_the_caller_got_wrong_is_charged(self, acme, weather):
        count(acme, 3, integration=weather, status=404)
        assert str(close(OCTOBER, acme)[0].total) == "$0.15"

    def test_included_calls_of_the_tier_are_free(self, db):
        basic = make_partner("Basic", monthly_quota=100, over_quota="charge")
        count(basic, 80, at=OCTOBER)
        count(basic, 70, at=OCTOBER + 5 * HOUR)
        [invoice] = close(OCTOBER, basic)
        assert invoice.lines.get().quantity == 50

    def test_a_tier_that_stops_at_its_quota_pays_for_no_call(self, db):
        developer = make_partner("Developer", monthly_quota=100, over_quota="stop")
        count(developer, 150)
        assert close(OCTOBER, developer) == []

    def test_the_tiers_price_once_a_month(self, acme):
        paying = make_partner("Paying", price_minor=2900, monthly_quota=100, over_quota="stop")
        first = close(NOVEMBER, paying, as_of=NOW - HOUR)
        assert [(invoice.total_minor, invoice.lines.get().kind) for invoice in first] == [(2900, "subscription")]
        assert close(NOVEMBER, paying, as_of=NOW) == first

    def test_each_call_by_the_tier_that_held_when_it_was_made(self, acme, globex):
        """A tier that stops pays for no call, whatever comes after it; and leaving a tier that charges takes nothing back."""
        for partner, steps in ((acme, ("stop", "charge")), (globex, ("charge", "stop"))):
            first, second = (tier(quota=10, over=step) for step in steps)
            type(partner).objects.filter(pk=partner.pk).update(tier=first)
            moved = move(partner, second, at=OCTOBER + timedelta(days=10, minutes=20))
            count(moved, 100, at=OCTOBER)
            count(moved, 30, at=OCTOBER + timedelta(days=10, hours=1))
            close(OCTOBER, moved)
        assert charged(acme)[0] == 30
        assert charged(globex)[0] == 90

    def test_a_tier_of_the_next_month_is_not_charged_for_this_one(self, acme):
        basic, professional = tier(price_minor=2900), tier(price_minor=9900)
        type(acme).objects.filter(pk=acme.pk).update(tier=basic)
        moved = move(acme, professional, at=NOVEMBER + timedelta(minutes=5))
        [invoice] = close(OCTOBER, moved)
        assert [(line.tier, line.amount_minor) for line in invoice.lines.all()] == [(basic, 2900)]
        [invoice] = close(NOVEMBER, moved, as_of=NOW)
        assert [(line.tier, line.amount_minor) for line in invoice.lines.all()] == [(professional, 9900)]

    def test_an_owner_does_not_pay_for_its_own_integration(self, globex, weather):
        count(globex, 10, integration=weather)
        assert close(OCTOBER, globex) == []

    def test_a_free_integration_costs_nothing(self, acme, globex):
        free = make_integration(globex, "0", slug="free")
        install(acme, free)
        count(acme, 10, integration=free)
        assert close(OCTOBER, acme) == []

    def test_a_price_holds_from_the_full_hour_after_it_was_agreed_to(self, acme, weather):
        install(acme, weather, at=OCTOBER + timedelta(days=10, minutes=5), price="0.10")
        count(acme, 100, at=OCTOBER + timedelta(days=10), integration=weather)
        count(acme, 10, at=OCTOBER + timedelta(days=10, hours=1), integration=weather)
        [invoice] = close(OCTOBER, acme)
        assert [(line.quantity, str(line.amount)) for line in invoice.lines.all()] == [(100, "$5.00"), (10, "$1.00")]

    def test_calls_of_the_hour_of_the_first_installation(self, acme, globex):
        """Closed up to an instant before it, in the same hour: the hour's calls are charged all the same."""
        late = make_integration(globex, "0.05", slug="late")
        install(acme, late, at=NOW.replace(hour=10, minute=40))
        count(acme, 10, at=NOW.replace(hour=10), integration=late)
        [invoice] = close(NOVEMBER, acme, as_of=NOW.replace(hour=10, minute=30))
        assert str(invoice.total) == "$0.50"

    def test_a_new_price_of_the_operator_holds_from_its_hour(self, acme):
        change = OCTOBER + timedelta(days=10)
        Price.objects.update(valid_until=change)
        Price.objects.create(meter="api_calls", name="API calls", unit_amount=Decimal("0.02"), valid_from=change)
        count(acme, 100, at=change - HOUR)
        count(acme, 100, at=change)
        [invoice] = close(OCTOBER, acme)
        assert [str(line.amount) for line in invoice.lines.order_by("period_start")] == ["$1.00", "$2.00"]

    def test_currencies_get_an_invoice_each(self, acme, globex, weather):
        euro = make_integration(globex, "0.10", currency="EUR", slug="euro")
        install(acme, euro)
        count(acme, 10, integration=weather)
        count(acme, 10, integration=euro)
        assert sorted(str(invoice.total) for invoice in close(OCTOBER, acme)) == ["$0.50", "€1.00"]
        assert_ledger_balances()

    def test_data_is_charged_once_it_has_a_price(self, acme):
        count(acme, 0, bytes_out=3_000_000_000)
        assert close(OCTOBER, acme) == []
        Price.objects.create(
            meter="bytes_out", name="Data sent, GB", unit_amount=Decimal("0.10"), unit_size=10**9, valid_from=NOVEMBER
        )
        count(acme, 0, at=NOVEMBER, bytes_out=3_000_000_000)
        [invoice] = close(NOVEMBER, acme, as_of=NOW)
        assert str(invoice.total) == "$0.30"


@pytest.mark.django_db
class TestAnyDayAndAgain:
    """`as_of` closes up to an instant; later closings charge what is new since."""

    def test_no_call_twice_over_many_closings(self, acme, weather):
        at, calls = NOVEMBER, 0
        for step in range(1, 12):
            count(acme, step, at=at + step * HOUR)
            count(acme, 3 * step, at=at + step * HOUR, integration=weather)
            calls += 4 * step
            close(NOVEMBER, acme, as_of=at + (step + 1) * HOUR)
            close(NOVEMBER, acme, as_of=at + (step + 1) * HOUR)
            assert charged(acme)[0] == calls
        clock.tick(timedelta(days=20))
        close(NOVEMBER, acme)
        assert charged(acme) == (calls, calls // 4 * 1 + calls // 4 * 3 * 5)
        assert_ledger_balances()

    def test_roundings_do_not_add_up(self, acme, globex):
        tiny = make_integration(globex, "0.001", slug="tiny")
        install(acme, tiny)
        for step in range(24):
            count(acme, 1, at=NOVEMBER + step * HOUR, integration=tiny)
            close(NOVEMBER, acme, as_of=NOVEMBER + (step + 1) * HOUR)
        assert charged(acme)[1] == 2, "24 calls of a tenth of a cent"

    def test_same_instant_gives_the_same_invoice_even_when_more_was_counted(self, acme):
        count(acme, 10, at=NOVEMBER)
        first = close(NOVEMBER, acme, as_of=NOW)
        count(acme, 5, at=NOVEMBER)
        assert close(NOVEMBER, acme, as_of=NOW) == first
        assert charged(acme)[0] == 10

    def test_an_instant_to_come_means_now(self, acme):
        count(acme, 10, at=NOVEMBER)
        close(NOVEMBER, acme, as_of=NOW + timedelta(days=30))
        assert Closing.objects.get().until - NOW < HOUR
        count(acme, 5, at=NOVEMBER)
        close(NOVEMBER, acme, as_of=NOW + timedelta(days=30))
        assert charged(acme)[0] == 15

    def test_a_volume_price_is_right_at_the_end(self, acme):
        Price.objects.update(
            model="volume", unit_amount=None, tiers=[{"up_to": 100, "unit_amount": "0.10"}, {"unit_amount": "0.05"}]
        )
        count(acme, 90, at=NOVEMBER)
        close(NOVEMBER, acme, as_of=NOVEMBER + HOUR)
        count(acme, 60, at=NOVEMBER + HOUR)
        assert close(NOVEMBER, acme, as_of=NOVEMBER + 2 * HOUR) == list(Invoice.objects.all()), "150 cost less than 90 did"
        count(acme, 150, at=NOVEMBER + 2 * HOUR)
        close(NOVEMBER, acme, as_of=NOVEMBER + 3 * HOUR)
        assert charged(acme) == (300, 1500)


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_two_at_once_charge_once(self, acme, weather):
        count(acme, 100)
        count(acme, 100, integration=weather)
        together(6, lambda: close(OCTOBER, acme))
        assert Invoice.objects.count() == Closing.objects.count() == 1
        assert charged(acme) == (200, 600)
        assert_ledger_balances()

    def test_numbers_have_no_gaps_under_concurrency_and_rollbacks(self, acme):
        partners = [make_partner(f"P {number}", monthly_quota=0, over_quota="charge") for number in range(8)]
        for partner in partners:
            count(partner, 10)

        def close_or_break(number: int) -> None:
            if number % 3 == 0:
                with pytest.raises(RuntimeError):
                    broken(partners[number])
            close(OCTOBER, partners[number])

        together(8, close_or_break, numbered=True)
        numbers = sorted(Invoice.objects.values_list("number", flat=True))
        assert numbers == [f"2026-{number:06d}" for number in range(1, 9)]
        assert Counter.objects.get().last == 8

    def test_a_run_that_died_in_the_middle_is_taken_up(self, acme, monkeypatch):
        partners = [make_partner(f"P {number}", monthly_quota=0, over_quota="charge") for number in range(4)]
        for partner in partners:
            count(partner, 10)
        issue, calls = closing.invoices.issue, []

        def dies(**facts):
            calls.append(1)
            issue(**facts)
            if len(calls) == 3:
                raise KeyboardInterrupt

        monkeypatch.setattr(closing.invoices, "issue", dies)
        with pytest.raises(KeyboardInterrupt):
            close(OCTOBER)
        assert Invoice.objects.count() == 2, "the third was rolled back whole"
        monkeypatch.undo()
        assert len(close(OCTOBER)) == 4
        assert sorted(Invoice.objects.values_list("number", flat=True)) == [f"2026-00000{number}" for number in range(1, 5)]
        assert_ledger_balances()


def broken(partner) -> None:
    """A closing whose transaction fails after the invoice was issued."""
    from django.db import transaction

    with transaction.atomic():
        closing.close_partner(partner=partner, month=OCTOBER.date(), until=NOVEMBER, by=OPERATOR)
        raise RuntimeError


@pytest.mark.django_db
class TestApi:
    PATH = "/api/operator/v1/billing/close"

    def test_closes_and_again(self, api, acme, weather):
        count(acme, 100, integration=weather)
        first = api("POST", self.PATH, {"month": "2026-10"})
        again = api("POST", self.PATH, {"month": "2026-10"})
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.json() == again.json()
        [found] = first.json()["invoices"]
        assert (found["total"], found["partner_id"]) == ({"amount": "5.00", "currency": "USD"}, acme.public_id)
        assert found["lines"][0]["integration_id"] == weather.public_id

    def test_what_takes_longer_than_a_request_is_left_to_the_worker(self, api, acme, redis, monkeypatch):
        others = [make_partner(f"Other {number}", monthly_quota=0, over_quota="charge") for number in range(3)]
        for partner in (acme, *others):
            count(partner, 100)
        monkeypatch.setattr(operators, "PATIENCE", timedelta(0))
        first = api("POST", self.PATH, {"month": "2026-10"})
        assert (first.status_code, first.json()["done"], first.json()["partners"]) == (202, 0, 4)
        [message] = [json.loads(raw) for raw in redis.lrange("celery:celery", 0, -1)]
        args, *_ = json.loads(b64decode(message["body"]))
        tasks.close_month(*args)
        again = api("POST", self.PATH, {"month": "2026-10", "as_of": first.json()["until"]})
        assert (again.status_code, again.json()["done"], len(again.json()["invoices"])) == (200, 4, 4)

    def test_closing_again_costs_the_same_for_many_partners(self, api, acme, django_assert_max_num_queries):
        for number in range(4):
            count(make_partner(f"Other {number}", monthly_quota=0, over_quota="charge"), 100)
        api("POST", self.PATH, {"month": "2026-10"})
        with django_assert_max_num_queries(8):
            assert len(api("POST", self.PATH, {"month": "2026-10"}).json()["invoices"]) == 4

    def test_one_partner_as_of(self, api, acme, weather):
        count(acme, 100, at=NOVEMBER, integration=weather)
        body = {"month": "2026-11", "partner_id": acme.public_id, "as_of": NOW.isoformat()}
        assert len(api("POST", self.PATH, body).json()["invoices"]) == 1

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/month"),
            ({"month": "2026-13"}, "/month"),
            ({"month": "2026-10-01"}, "/month"),
            ({"month": "2026-11"}, "/month"),
            ({"month": "2026-10", "partner_id": "ptn_x"}, "/partner_id"),
            ({"month": "2026-10", "partner": "x"}, "/partner"),
            ({"month": "2026-10", "as_of": "yesterday"}, "/as_of"),
            ({"month": "2026-10", "as_of": "2026-09-30T00:00:00Z"}, "/as_of"),
        ],
    )
    def test_bad_input_is_pointed_to(self, api, acme, body, pointer):
        answer = api("POST", self.PATH, body)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    def test_needs_the_scope(self, api, acme):
        assert api("POST", self.PATH, {"month": "2026-10"}, scopes=["billing:read"]).status_code == 403
