"""What a partner does with its keys, and an operator with a partner, by the pages; `test_pages` looks at each as it stands."""

import pytest

from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import Visit

pytestmark = pytest.mark.django_db(transaction=True)


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
    page.get_by_role("heading", name="Orders").wait_for()
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
