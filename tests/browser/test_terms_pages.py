"""The terms of service: to everybody, and to an owner who is asked for a yes."""

import pytest

from core import clock
from core.actors import SYSTEM
from partners import terms
from partners.models import Terms
from tests.browser import people
from tests.browser.conftest import Visit
from tests.browser.test_looks import look

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = """# Terms

Between you and us.

## Payouts

- monthly
- by [transfer](https://portico.example/payouts)
"""


def publish() -> None:
    row = Terms.objects.create(version="2026-11", effective_on=clock.now().date(), summary="Payouts are monthly now.", text=TEXT)
    terms.publish(terms=row, by=SYSTEM)


def test_public_page(visit: Visit) -> None:
    publish()
    assert "Between you and us." in look(visit, "/terms", "terms")


def test_owner_accepts_and_goes_on(visit: Visit) -> None:
    owner, partner = people.established()
    publish()
    assert "What is new" in look(visit, f"/p/{partner.slug}/", "terms-asked", owner)
    visitor = visit(owner)
    visitor.goto(f"/p/{partner.slug}/settings/")
    visitor.page.get_by_role("button", name="Accept the terms").click()
    visitor.page.get_by_role("heading", name="Settings").wait_for()
    assert "Ann Lovelace" in look(visit, f"/p/{partner.slug}/terms", "terms-accepted", owner)
