"""Pages in a real browser, against Django's live server. Chromium is the system's; without one these tests are skipped."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from core.models import User

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TRANSITIONS_END = """
  () => Promise.allSettled(document.getAnimations().filter(each => each instanceof CSSTransition).map(each => each.finished))
"""

# Playwright's loop runs in the test's thread, where Django would refuse to touch the database otherwise.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="wants Chromium: apt-get install chromium"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Visitor:
    """One person's browser window. What its console complains about is collected; the fixture asserts that there was nothing."""

    def __init__(self, context: Any, base: str) -> None:
        self.context = context
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.base = base
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def goto(self, path: str) -> Any:
        """Open a page of the live server and wait until it is at rest."""
        response = self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")
        return response

    def assert_accessible(self) -> None:
        """No violation that axe finds in the whole page, and nothing that sticks out to the right."""
        self.page.evaluate(TRANSITIONS_END)  # half-way between two schemes nothing has the contrast it is going to have
        self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
        found = self.page.evaluate("tags => axe.run(document, {runOnly: tags})", RULES)["violations"]
        assert not found, [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
        assert not self.page.evaluate("document.documentElement.scrollWidth > innerWidth"), "the page scrolls sideways"

    def keep(self, name: str) -> None:
        """Save a picture where `make screenshots` asks for them."""
        folder = os.environ.get("PORTICO_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


Visit = Callable[..., Visitor]


@pytest.fixture
def visit(browser: Any, live_server: Any) -> Iterator[Visit]:
    """`visit(user=…, scheme="dark", width=390)`: a window, signed in as that person if one is given."""
    visitors: list[Visitor] = []

    def make(user: "User | None" = None, *, scheme: str = "light", width: int = 1280, **options: Any) -> Visitor:
        # localhost, because a passkey belongs to a name, not to an address.
        base = live_server.url.replace("127.0.0.1", "localhost")
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        if user is not None:
            from django.conf import settings
            from django.test import Client

            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
        visitors.append(Visitor(context, base))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []


@pytest.fixture
def browser_page(visit: Visit) -> Any:
    """A page of nobody's, 1280 wide, light."""
    return visit().page


CODE = re.compile(r"^ {4}([A-Z0-9-]{6,})$", re.MULTILINE)


def code_in(message: Any) -> str:
    """The code that a mail tells."""
    found = CODE.search(message.body)
    assert found, message.body
    return found[1]
