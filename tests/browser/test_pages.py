"""Every page, light and wide, dark and narrow: what axe finds, the console, and whether it scrolls sideways.

A page that is added gets a line here: its name, its address, and words that show that it is the page that was meant. Those
that are used most are looked at on every screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from apikeys.models import Key
from core import clock, relay
from core.actors import SYSTEM
from marketplace import installations
from partners import invitations, members
from partners.models import Invitation, Member
from partners.permissions import Role
from tests.browser import people
from tests.browser.conftest import EXTREMES, SCREENS, Visit
from tests.browser.test_looks import look
from tests.marketplace.makers import make_partner, published

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Page:
    """`path` may name what `busy` made; `shows` is what somebody finds on it; `drawn` appears when a script has drawn it."""

    name: str
    path: str
    shows: str
    drawn: str = "main"
    screens: Sequence[tuple[str, int]] = EXTREMES

    def __str__(self) -> str:
        return self.name


PUBLIC = [
    Page("marketplace", "/marketplace/", "Weather"),
    Page("integration", "/marketplace/weather/", "Forecasts by place."),
    Page("partners", "/partners", "Route planning for couriers", screens=SCREENS),
    Page("partners-none", "/partners?q=nobody", "Nobody fits"),
    Page("profile", "/partners/seller", "Partner since"),
    Page("profile-plain", "/partners/globex", "Nothing published yet"),
    Page("entrance", "/p/seller/login", "Sign in to Seller"),
    Page("guide", "/developers/guide/", "Repeating a call safely"),
    Page("reference-for-operators", "/api/docs?audience=operator", "/api/operator/v1/keys/verify", ".opblock"),
]
FULL = [
    Page("dashboard", "", "1 webhook endpoint is disabled"),
    Page("keys", "keys/", "Checkout service", screens=SCREENS),
    Page("key-new", "keys/new", "Create a live key", screens=SCREENS),
    Page("key", "keys/{key}", "About this key", screens=SCREENS),
    Page("usage", "usage/", "By operation"),
    Page("webhooks", "webhooks/", "Production"),
    Page("webhook", "webhooks/{endpoint}/", "Newest deliveries"),
    Page("webhook-deliveries", "webhooks/deliveries/", "Happened"),
    Page("webhook-replay", "webhooks/{endpoint}/replay/", "Those that failed"),
    Page("integrations-sold", "integrations/", "Routes"),
    Page("integration-sold", "integrations/{integration}/", "Versions"),
    Page("installed", "installed/", "Weather"),
    Page("installation", "installed/{installation}/", "What was agreed"),
    Page("uninstall", "installed/{installation}/uninstall/", "Calls to it are refused"),
    Page("billing", "billing/", "This month so far"),
    Page("team", "team/", "What each role may do", screens=SCREENS),
    Page("team-invite", "team/invite", "works for seven days"),
    Page("team-revoke", "team/invitations/{invitation}/revoke", "You can invite them again"),
    Page("team-role", "team/{member}/role", "but no money"),
    Page("team-remove", "team/{member}/remove", "lose access"),
    Page("team-leave", "team/leave", "You are the owner"),
    Page("profile-edit", "profile/", "How to reach you"),
    Page("profile-preview", "profile/preview", "This is what everybody sees."),
    Page("logo-remove", "profile/logo/remove", "Your initials stand in its place"),
    Page("plan", "plan/", "You are on"),
    Page("plan-ask", "plan/enterprise", "What changes"),
    Page("settings", "settings/", "Plan and state", screens=SCREENS),
    Page("activity", "activity/", "This log is whole"),
    Page("notifications", "notifications/", "is live"),
    Page("notification-preferences", "notifications/preferences", "Security notices always come"),
    Page("verified", "verification/", "Your documents are verified"),
]
EMPTY = [
    Page("keys-empty", "keys/", "No test keys yet"),
    Page("key-new-test", "keys/new", "Give it the least"),
    Page("usage-empty", "usage/", "No calls in this period"),
    Page("calls-empty", "usage/requests/", "No calls yet"),
    Page("webhooks-empty", "webhooks/", "No endpoints yet"),
    Page("webhook-new", "webhooks/new/", "Single event types"),
    Page("integrations-empty", "integrations/", "Nothing to sell yet"),
    Page("integration-new", "integrations/new/", "Upstream"),
    Page("installed-empty", "installed/", "Nothing installed yet"),
    Page("billing-empty", "billing/", "No invoices yet"),
    Page("payout-account", "billing/payout-account/", "Account holder"),
    Page("notifications-empty", "notifications/", "No notifications yet"),
    Page("onboarding", "onboarding/basic-info", "Basic information", screens=SCREENS),
    Page("onboarding-api", "onboarding/api-setup", "Test keys"),
    Page("onboarding-documents", "onboarding/documents", "You can go live without", screens=SCREENS),
    Page("onboarding-activation", "onboarding/activation", "Still missing", screens=SCREENS),
    Page("verification", "verification/", "Not verified"),
    Page("profile-edit-empty", "profile/", "Make it worth a look"),
    Page("profile-preview-empty", "profile/preview", "once you are live"),
]


def busy() -> tuple[Any, Any, dict[str, str]]:
    """An established partner with one of everything; the ids of it."""
    from webhooks import endpoints
    from webhooks.models import Endpoint

    owner, partner = people.established()
    sold = published(partner, slug="routes", name="Routes")
    people.dressed(partner)
    weather = published(make_partner("seller"))
    url = "https://acme.example/hooks/that/are/rather/long/to/write"
    made = endpoints.create(partner=partner, environment="live", url=url, event_types=["*"], description="Production", by=SYSTEM)
    installed = installations.install(partner=partner, environment="live", integration=weather, by=SYSTEM)
    old = endpoints.create(
        partner=partner, environment="live", url=f"{url}/old", event_types=["key.*"], description="Old", by=SYSTEM
    )
    Endpoint.objects.filter(pk=old.endpoint.pk).update(status=Endpoint.Status.DISABLED)
    Key.objects.filter(partner=partner, name="Nightly export").update(expires_at=clock.now() + timedelta(days=9))
    member = members.add(partner=partner, user=people.person("dev@example.com", "Dev Okafor"), role=Role.DEVELOPER, by=SYSTEM)
    invited = invitations.invite(partner=partner, email="new@example.com", role=Role.FINANCE, by=SYSTEM, inviter=owner)
    while relay.seal():
        pass
    ids = {
        "member": member.public_id,
        "invitation": invited.public_id,
        "key": Key.objects.filter(partner=partner)[0].public_id,
        "endpoint": made.endpoint.public_id,
        "integration": sold.public_id,
        "installation": installed.public_id,
    }
    return owner, partner, ids


@pytest.mark.parametrize("page", PUBLIC, ids=str)
def test_public_page(visit: Visit, page: Page) -> None:
    published(people.dressed(make_partner("seller")))
    for name in ("globex", "initech"):
        make_partner(name)
    assert page.shows in look(visit, page.path, page.name, screens=page.screens, drawn=page.drawn).replace("\u200b", "")


def test_list_of_partners_before_there_is_any(visit: Visit) -> None:
    assert "Become a partner" in look(visit, "/partners", "partners-empty", screens=EXTREMES)


def test_invitation_of_a_newcomer(visit: Visit) -> None:
    busy()
    link = f"/invitations/{invitations.token(Invitation.objects.get())}"
    assert "Ann Lovelace invites you" in look(visit, link, "invitation", screens=EXTREMES)


def test_owner_hands_over_after_showing_again_who_it_is(visit: Visit) -> None:
    owner, partner, ids = busy()
    visitor = visit(owner)
    page = visitor.page
    visitor.goto(f"/p/{partner.slug}/team/")
    visitor.keep("team-full")
    page.get_by_role("link", name="Make owner").click()
    page.get_by_label("Password").fill(people.PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Hand over").wait_for()
    visitor.keep("team-transfer")
    visitor.assert_accessible()
    page.get_by_role("button", name="Hand over").click()
    page.get_by_text("You are an admin.").wait_for()
    assert Member.objects.get(partner=partner, role=Role.OWNER).public_id == ids["member"]


@pytest.mark.parametrize("page", FULL, ids=str)
def test_page_with_something_on_it(visit: Visit, page: Page) -> None:
    owner, partner, ids = busy()
    assert page.shows in look(visit, f"/p/{partner.slug}/{page.path.format(**ids)}", page.name, owner, screens=page.screens)


@pytest.mark.parametrize("page", EMPTY, ids=str)
def test_page_with_nothing_on_it(visit: Visit, page: Page) -> None:
    owner, partner = people.newcomer()
    text = look(visit, f"/p/{partner.slug}/{page.path}", page.name, owner, screens=page.screens)
    assert page.shows in text
    assert "of 5 done" in text or not page.path.startswith("onboarding")
