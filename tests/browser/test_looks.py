"""The pages that everybody sees first: accessible, quiet, and whole, light and dark, wide and narrow."""

from collections.abc import Sequence

import pytest

from partners.models import Review
from tests.browser import people
from tests.browser.conftest import Visit

SCREENS = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]

pytestmark = pytest.mark.django_db(transaction=True)


def look(
    visit: Visit, path: str, name: str, user: object = None, *, screens: Sequence[tuple[str, int]] = SCREENS, drawn: str = "main"
) -> str:
    """The page's text, once it was found to be well on these screens."""
    visitor = visit(user)
    for scheme, width in screens:
        visitor.page.emulate_media(color_scheme=scheme)
        visitor.page.set_viewport_size({"width": width, "height": 900})
        assert visitor.goto(path).status == 200
        visitor.page.locator(drawn).first.wait_for(timeout=60_000)
        visitor.keep(f"{name}-{scheme}-{width}")
        visitor.assert_accessible()
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
    text = look(visit, "/admin/", "console", people.operator())
    assert "Partners to review" in text


def test_styleguide(visit: Visit) -> None:
    assert "Every component" in look(visit, "/styleguide", "styleguide", people.operator())
