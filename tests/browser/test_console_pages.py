"""The console in a browser: its lists, and the way from a partner's page into its portal and back."""

import pytest

from partners.models import Partner
from tests.browser import people
from tests.browser.conftest import Visit, Visitor
from tests.browser.test_pages import busy

pytestmark = pytest.mark.django_db(transaction=True)


def keep_all(visitor: Visitor, name: str, *, ours: bool = True, again: bool = False) -> None:
    """Look at the page on every screen. Pages that are Unfold's alone are not held to axe."""
    visitor.see(name, held=ours, again=again)
    visitor.resize("light", 1280)


def test_operator_looks_at_a_portal_acts_and_leaves(visit: Visit) -> None:
    _owner, partner, _ids = busy()
    visitor = visit(people.operator())
    page = visitor.page
    visitor.goto(f"/admin/partners/partner/{partner.pk}/change/")
    keep_all(visitor, "console-partner", ours=False)
    page.locator("a[hx-get$='/enter/']").click()
    page.locator("dialog textarea, [role=dialog] textarea, textarea[name=reason]").first.fill("Ticket 7")
    visitor.keep("console-enter")
    page.get_by_role("button", name="Look at the portal").click()
    page.get_by_text("You look at the portal of").wait_for()
    assert page.url.endswith(f"/p/{partner.slug}/")
    keep_all(visitor, "impersonation-dashboard")
    visitor.goto(f"/p/{partner.slug}/profile/")
    page.get_by_role("link", name="Change something").click()
    page.get_by_label("Reason").fill("They asked on the phone")
    keep_all(visitor, "impersonation-act")
    page.get_by_role("button", name="Let me change things").click()
    page.get_by_text("You change things in the name of").wait_for()
    visitor.goto(f"/p/{partner.slug}/profile/")
    page.locator("textarea[name=description]").fill("Numbers for everybody")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("You change things in the name of").wait_for()
    keep_all(visitor, "impersonation-acting")
    assert Partner.objects.get(pk=partner.pk).description == "Numbers for everybody"
    page.get_by_role("button", name="End").click()
    page.get_by_text("You left the portal of").wait_for()


def test_lists(visit: Visit) -> None:
    owner, partner, _ids = busy()
    visitor = visit(people.operator())
    for name, path, shows in (
        ("partners", "/admin/partners/partner/?q=acme", "Acme Analytics"),
        ("events", "/admin/core/event/", "partner.created"),
        ("person", f"/admin/core/user/{owner.pk}/change/", "Reviewer: decides reviews"),
        ("timeline", f"/admin/partners/partner/{partner.pk}/timeline", "A key was created."),
        ("roles", "/admin/auth/group/", "finance"),
    ):
        assert visitor.goto(path).status == 200
        assert shows in visitor.page.inner_text("body")
        keep_all(visitor, f"console-{name}", ours=False, again=True)


def test_many_at_once_after_asking(visit: Visit) -> None:
    busy()
    visitor = visit(people.operator())
    page = visitor.page
    visitor.goto("/admin/partners/partner/")
    for box in page.locator("input.action-select").all():
        box.check()
    page.locator("select[name=action]").select_option("suspend_selected")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("Suspend: 2 rows").wait_for()
    keep_all(visitor, "console-confirm", ours=False)
    page.get_by_label("Reason").fill("An audit")
    page.get_by_role("button", name="Suspend").click()
    page.get_by_text("2 rows changed.").wait_for()
    assert set(Partner.objects.values_list("status", flat=True)) == {"suspended"}
