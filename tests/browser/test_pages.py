"""Every page, light and wide, dark and narrow: what axe finds, the console, and whether it scrolls sideways.

A page that is added gets a line here: its name, its address, and words that show that it is the page that was meant.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from apikeys.models import Key
from core.actors import SYSTEM
from marketplace import installations
from tests.browser import people
from tests.browser.conftest import Visit
from tests.browser.test_looks import look
from tests.marketplace.makers import make_partner, published

pytestmark = pytest.mark.django_db(transaction=True)

SCREENS = [("light", 1280), ("dark", 390)]


@dataclass(frozen=True)
class Page:
    """`path` may name what `busy` made; `shows` is what somebody finds on it; `drawn` appears when a script has drawn it."""

    name: str
    path: str
    shows: str
    drawn: str = "main"

    def __str__(self) -> str:
        return self.name


PUBLIC = [
    Page("marketplace", "/marketplace/", "Weather"),
    Page("integration", "/marketplace/weather/", "Forecasts by place."),
    Page("partners", "/partners", "Seller"),
    Page("profile", "/partners/seller", "Partner since"),
    Page("guide", "/developers/guide/", "Repeating a call safely"),
    Page("reference", "/api/docs", "/api/partner/v1/keys", ".opblock"),
    Page("reference-for-operators", "/api/docs?audience=operator", "/api/operator/v1/keys/verify", ".opblock"),
]
FULL = [
    Page("keys", "keys/", "Checkout service"),
    Page("key", "keys/{key}", "About this key"),
    Page("usage", "usage/", "By operation"),
    Page("webhooks", "webhooks/", "Production"),
    Page("webhook", "webhooks/{endpoint}/", "Deliveries"),
    Page("integrations-sold", "integrations/", "Routes"),
    Page("integration-sold", "integrations/{integration}/", "Versions"),
    Page("installed", "installed/", "Weather"),
    Page("installation", "installed/{installation}/", "What was agreed"),
    Page("uninstall", "installed/{installation}/uninstall/", "Calls to it are refused"),
    Page("billing", "billing/", "This month so far"),
    Page("team", "team/", "What each role may do"),
    Page("settings", "settings/", "Plan and state"),
    Page("activity", "activity/", "Checkout service"),
]
EMPTY = [
    Page("keys-empty", "keys/", "No test keys yet"),
    Page("key-new", "keys/new", "Give it the least"),
    Page("usage-empty", "usage/", "No calls in this period"),
    Page("calls-empty", "usage/requests/", "No calls yet"),
    Page("webhooks-empty", "webhooks/", "No endpoints yet"),
    Page("webhook-new", "webhooks/new/", "Single event types"),
    Page("integrations-empty", "integrations/", "Nothing to sell yet"),
    Page("integration-new", "integrations/new/", "Upstream"),
    Page("installed-empty", "installed/", "Nothing installed yet"),
    Page("billing-empty", "billing/", "No invoices yet"),
    Page("payout-account", "billing/payout-account/", "Account holder"),
    Page("onboarding", "onboarding/basic-info", "Basic information"),
]


def busy() -> tuple[Any, Any, dict[str, str]]:
    """An established partner with one of everything; the ids of it."""
    from webhooks import endpoints

    owner, partner = people.established()
    sold = published(partner, slug="routes", name="Routes")
    weather = published(make_partner("seller"))
    url = "https://acme.example/hooks/that/are/rather/long/to/write"
    made = endpoints.create(partner=partner, environment="live", url=url, event_types=["*"], description="Production", by=SYSTEM)
    installed = installations.install(partner=partner, environment="live", integration=weather, by=SYSTEM)
    ids = {
        "key": Key.objects.filter(partner=partner)[0].public_id,
        "endpoint": made.endpoint.public_id,
        "integration": sold.public_id,
        "installation": installed.public_id,
    }
    return owner, partner, ids


@pytest.mark.parametrize("page", PUBLIC, ids=str)
def test_public_page(visit: Visit, page: Page) -> None:
    published(make_partner("seller"))
    assert page.shows in look(visit, page.path, page.name, screens=SCREENS, drawn=page.drawn).replace("\u200b", "")


@pytest.mark.parametrize("page", FULL, ids=str)
def test_page_with_something_on_it(visit: Visit, page: Page) -> None:
    owner, partner, ids = busy()
    assert page.shows in look(visit, f"/p/{partner.slug}/{page.path.format(**ids)}", page.name, owner, screens=SCREENS)


@pytest.mark.parametrize("page", EMPTY, ids=str)
def test_page_with_nothing_on_it(visit: Visit, page: Page) -> None:
    owner, partner = people.newcomer()
    assert page.shows in look(visit, f"/p/{partner.slug}/{page.path}", page.name, owner, screens=SCREENS)
