"""What the portal's own script does, and that its pages work without it."""

import pytest

from tests.browser import people
from tests.browser.conftest import Visit

pytestmark = pytest.mark.django_db(transaction=True)


def test_theme_is_remembered_and_served(visit: Visit) -> None:
    visitor = visit()
    visitor.goto("/")
    with visitor.page.expect_response("**/theme"):
        visitor.page.get_by_role("button", name="Switch between light and dark").first.click()
    assert visitor.page.locator("html").get_attribute("data-theme") == "dark"
    body = visitor.goto("/").text()
    assert 'data-theme="dark"' in body, "the server sends the theme, so that no page flashes"


def test_drawer_and_environment_work_without_script(visit: Visit) -> None:
    owner, partner = people.established()
    visitor = visit(owner, width=390, java_script_enabled=False)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/")
    page.get_by_role("button", name="Open navigation").click()
    drawer = page.locator("#drawer")
    drawer.get_by_role("button", name="Test", exact=True).click()
    page.get_by_text("Test data").wait_for()
    assert page.get_by_text("No calls in test yet").is_visible()


def test_dialog_opens_and_closes_by_keyboard(visit: Visit) -> None:
    visitor = visit(people.operator())
    visitor.goto("/styleguide")
    visitor.page.get_by_role("button", name="Open dialog").press("Enter")
    dialog = visitor.page.get_by_role("dialog", name="A dialog")
    dialog.wait_for()
    visitor.assert_accessible()
    visitor.page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_secret_is_copied_and_hidden(visit: Visit) -> None:
    visitor = visit(people.operator(), permissions=["clipboard-read", "clipboard-write"])
    page = visitor.page
    visitor.goto("/styleguide")
    secret = page.locator("[data-secret]")
    text = secret.locator("code").inner_text()
    secret.get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == text
    secret.get_by_role("button", name="Hide").click()
    assert text not in secret.inner_text()


def test_chart_has_the_same_numbers_as_its_table(visit: Visit) -> None:
    owner, partner = people.established()
    visitor = visit(owner)
    visitor.goto(f"/p/{partner.slug}/")
    visitor.page.locator(".chart canvas").wait_for()
    visitor.page.get_by_text("Show as a table").click()
    shown = visitor.page.locator(".chart tbody tr td:nth-child(2)").all_inner_texts()
    plotted = visitor.page.evaluate("JSON.parse(document.getElementById('calls-data').textContent).series[0].values")
    assert [int(number.replace(",", "")) for number in shown] == plotted
    assert sum(plotted) > 0
