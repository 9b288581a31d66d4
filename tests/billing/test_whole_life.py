"""Whatever happens to money in whatever order, not a cent is lost: the ledger stays what the documents say."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing import invoices, ledger, payouts, reconciliation
from billing.models import Earning, Invoice, Line, Payout
from core import clock
from core.states import StaleState
from tests.billing.conftest import NOW, OCTOBER, OPERATOR, close, count, install, make_integration

HOURS = 24 * 30
STEPS = st.one_of(
    st.tuples(st.just("call"), st.integers(0, HOURS - 1), st.integers(1, 500)),
    st.tuples(st.just("install"), st.integers(0, HOURS - 1), st.sampled_from(["0.0003", "0.05", "1.005"])),
    st.tuples(st.just("close"), st.integers(1, HOURS), st.just(0)),
    st.tuples(st.sampled_from(["pay", "void", "write off", "overdue"]), st.integers(0, 9), st.just(0)),
    st.tuples(st.sampled_from(["run", "approve", "hold", "paid", "failed"]), st.integers(0, 9), st.just(0)),
)


class World:
    """Acme calls what Globex sells; `do` is one thing that may happen."""

    def __init__(self, acme: Any, globex: Any, integration: Any) -> None:
        self.acme, self.globex, self.integration = acme, globex, integration
        self.called = self.latest = 0

    def do(self, what: str, at: int, extra: Any) -> None:
        verbs = {
            "pay": lambda row: invoices.mark_paid(invoice=row, by=OPERATOR),
            "void": lambda row: invoices.void(invoice=row, reason="x", by=OPERATOR),
            "write off": lambda row: invoices.write_off(invoice=row, reason="x", by=OPERATOR),
            "approve": lambda row: payouts.approve(payout=row, by=OPERATOR),
            "hold": lambda row: payouts.hold(payout=row, reason="x", by=OPERATOR),
            "paid": lambda row: payouts.mark_paid(payout=row, by=OPERATOR),
            "failed": lambda row: payouts.mark_failed(payout=row, reason="x", by=OPERATOR),
        }
        if what == "call":
            self.called += extra
            count(self.acme, extra, at=OCTOBER + timedelta(hours=at), integration=self.integration)
        elif what == "install":
            self.latest = max(self.latest + 1, at)  # nobody agrees to a price for the past
            install(self.acme, self.integration, at=OCTOBER + timedelta(hours=self.latest), price=extra)
        elif what == "close":
            self.latest = max(self.latest, at)
            close(OCTOBER, self.acme, as_of=OCTOBER + timedelta(hours=at))
        elif what == "overdue":
            Invoice.objects.filter(status="open").update(due_at=clock.now())
            invoices.mark_overdue()
        elif what == "run":
            payouts.run(by=OPERATOR, as_of=clock.now() + timedelta(days=31))
        else:
            self._one(Invoice if what in {"pay", "void", "write off"} else Payout, at, verbs[what])

    def _one(self, model: Any, at: int, verb: Any) -> None:
        rows = list(model.objects.order_by("pk"))
        if rows:
            with contextlib.suppress(StaleState):
                verb(rows[at % len(rows)])

    def check(self) -> None:
        report = reconciliation.check()
        assert report.balanced, report.differences
        for earning in Earning.objects.all():
            assert earning.gross == earning.fee + earning.amount
        paid = sum(payout.amount_minor for payout in Payout.objects.filter(status=Payout.Status.PAID))
        due = sum(earning.amount_minor for earning in Earning.objects.exclude(status__in=["pending", "reversed"]))
        [standing] = ledger.balances(self.globex)
        assert paid + standing.available.minor + standing.in_transit.minor == due
        assert sum(line.quantity for line in Line.objects.filter(kind="integration")) <= self.called


@pytest.mark.django_db
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=3, max_size=25))
def test_the_ledger_says_what_the_documents_say(acme, globex, account, steps):
    from django.db import transaction

    with transaction.atomic():  # each example starts from the same database
        clock.reset()
        clock.tick(NOW - clock.now())
        integration = make_integration(globex, "0.05")
        install(acme, integration, at=OCTOBER - timedelta(days=1))
        world = World(acme, globex, integration)
        for step in steps:
            world.do(*step)
            world.check()
        transaction.set_rollback(True)
