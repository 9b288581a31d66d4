"""The pages that everybody sees first: accessible, quiet, and whole, light and dark, wide and narrow."""

from collections.abc import Sequence

import pytest

from partners.models import Review
from tests.browser import people
from tests.browser.conftest import SCREENS, Visit

pytestmark = pytest.mark.django_db(transaction=True)


def look(
    visit: Visit,
    path: str,
    name: str,
    user: object = None,
    *,
    screens: Sequence[tuple[str, int]] = SCREENS,
    drawn: str = "main",
    again: bool = False,
) -> str:
    """The page's text, once it was found to be well on these screens."""
    visitor = visit(user)
    assert visitor.goto(path).status == 200
    visitor.page.locator(drawn).first.wait_for(timeout=60_000)
    visitor.see(name, screens, again=again)
    return str(visitor.page.inner_text("body"))


def test_landing(visit: Visit) -> None:
    assert "Become a partner" in look(visit, "/", "landing")


def test_sign_up(visit: Visit) -> None:
    assert "Create an account" in look(visit, "/accounts/signup/", "sign-up")


def test_sign_in(visit: Visit) -> None:
    assert "Sign in with a passkey" in look(visit, "/accounts/login/", "sign-in")


def test_two_factor(visit: Visit) -> None:
    assert "Passkeys" in look(visit, "/accounts/2fa/", "two-factor", people.person("ann@example.com"))


def test_dashboard_of_a_newcomer(visit: Visit) -> None:
    owner, partner = people.newcomer()
    text = look(visit, f"/p/{partner.slug}/", "dashboard-empty", owner)
    assert "Basic information" in text
    assert "No calls in test yet" in text


def test_dashboard_of_an_established_partner(visit: Visit) -> None:
    owner, partner = people.established()
    text = look(visit, f"/p/{partner.slug}/", "dashboard-full", owner)
    assert "Calls by day" in text
    assert "A key was created." in text


def test_console(visit: Visit) -> None:
    _owner, partner = people.newcomer()
    Review.objects.create(partner=partner)
    text = look(visit, "/admin/", "console", people.operator(), again=True)
    assert "Partners to review" in text


def test_styleguide(visit: Visit) -> None:
    assert "Every component" in look(visit, "/styleguide", "styleguide", people.operator())
