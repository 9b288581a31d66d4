"""The profile's editor draws what is typed, keeps it when it is told to, and takes a logo as soon as it is chosen."""

import pytest

from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import Visit
from tests.partners import files

pytestmark = pytest.mark.django_db(transaction=True)


def test_from_typing_to_the_public_page(visit: Visit) -> None:
    owner, partner = people.established()
    visitor = visit(owner)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/profile/")

    page.get_by_label("Summary").fill("Numbers for couriers.")
    page.locator("#preview").get_by_text("Numbers for couriers.").wait_for()
    page.get_by_text("Not saved yet.").wait_for()
    assert Partner.objects.get().summary == ""

    page.get_by_label("GitHub").fill("https://gitlab.com/acme")
    page.get_by_text("GitHub: This is no page of GitHub.").wait_for()
    page.get_by_label("GitHub").fill("github.com/acme")

    page.get_by_label("Find a country").fill("icel")
    assert page.get_by_label("Germany").is_hidden()
    page.get_by_label("Iceland").check()
    page.locator("#preview").get_by_text("Iceland").wait_for()

    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert Partner.objects.get().countries == ["IS"]

    logo = {"name": "logo.png", "mimeType": "image/png", "buffer": files.png((200, 200))}
    page.get_by_label("Picture").set_input_files(logo)  # type: ignore[arg-type]
    page.get_by_text("The logo is changed.").wait_for()
    visitor.keep("profile-edit-saved")

    page.get_by_role("link", name="Open your page").click()
    page.get_by_role("heading", name="Acme Analytics").wait_for()
    assert page.locator(".profile-head img").evaluate("image => image.complete && image.naturalWidth") == 256
    visitor.assert_accessible()
