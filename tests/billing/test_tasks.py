"""What the clock does: close the month that ended, make payouts, mark what is overdue."""

from datetime import timedelta

import pytest
from django.conf import settings

from billing import tasks
from billing.models import Invoice, Payout
from core import clock
from tests.billing.conftest import OCTOBER, count

pytestmark = pytest.mark.django_db


class TestTasks:
    def test_last_month_is_closed_once(self, acme, weather):
        count(acme, 100, integration=weather)
        count(acme, 100, at=OCTOBER + timedelta(days=31), integration=weather)
        assert [tasks.close_last_month(), tasks.close_last_month()] == [1, 1]
        assert Invoice.objects.get().total_minor == 500

    def test_payouts_wait_for_approval(self, invoice, account):
        clock.tick(timedelta(days=10))
        assert tasks.run_payouts() == 0
        clock.tick(timedelta(days=21))
        assert [tasks.run_payouts(), tasks.run_payouts()] == [1, 0]
        assert Payout.objects.get().status == "pending"

    def test_overdue_invoices_are_marked(self, invoice):
        clock.tick(timedelta(days=15))
        assert [tasks.mark_overdue_invoices(), tasks.mark_overdue_invoices()] == [1, 0]

    def test_each_is_on_the_schedule(self):
        planned = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
        assert {f"billing.tasks.{name}" for name in ("close_last_month", "run_payouts", "mark_overdue_invoices")} <= planned
