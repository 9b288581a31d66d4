"""The pages of a partner about itself: keys, onboarding, team, settings; and operators' page of a partner."""

import pytest

from apikeys.models import Key
from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import Visit
from tests.browser.test_looks import look

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("keys/", "Checkout service"),
        ("keys/new", "Create a live key"),
        ("team/", "What each role may do"),
        ("settings/", "Plan and state"),
    ],
)
def test_pages_of_an_established_partner(visit: Visit, page: str, said: str) -> None:
    owner, partner = people.established()
    assert said in look(visit, f"/p/{partner.slug}/{page}", page.replace("/", "-").strip("-"), owner)


def test_a_key(visit: Visit) -> None:
    owner, partner = people.established()
    key = Key.objects.first()
    assert "About this key" in look(visit, f"/p/{partner.slug}/keys/{key.public_id}", "key", owner)


@pytest.mark.parametrize("step", ["basic-info", "documents", "activation"])
def test_onboarding(visit: Visit, step: str) -> None:
    owner, partner = people.newcomer()
    assert "of 5 done" in look(visit, f"/p/{partner.slug}/onboarding/{step}", f"onboarding-{step}", owner)


def test_showcase(visit: Visit) -> None:
    people.established()
    assert "Acme Analytics" in look(visit, "/partners", "showcase")


def test_key_is_made_and_shown_once(visit: Visit) -> None:
    owner, partner = people.established()
    visitor = visit(owner)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/keys/new")
    page.get_by_label("Name").fill("Orders")
    page.get_by_label("requests:read").check()
    page.get_by_role("button", name="Create key").click()
    page.get_by_text("Copy your new key now").wait_for()
    visitor.keep("key-shown")
    visitor.assert_accessible()
    text = page.locator("[data-secret] code").first.inner_text()
    assert text.startswith("pk_live_")
    page.get_by_role("link", name="I have kept it").click()
    page.get_by_role("link", name="Orders").wait_for()
    assert text not in page.content()


def test_operator_suspends_by_a_dialog_with_a_reason(visit: Visit) -> None:
    _owner, partner = people.established()
    visitor = visit(people.operator())
    page = visitor.page
    visitor.goto(f"/admin/partners/partner/{partner.pk}/change/")
    visitor.keep("console-partner")
    page.get_by_role("link", name="Suspend").first.click()
    page.get_by_label("Reason").fill("Unpaid invoices")
    page.get_by_role("button", name="Suspend").click()
    page.get_by_text("Done.").wait_for()
    assert Partner.objects.get(pk=partner.pk).status_reason == "Unpaid invoices"
