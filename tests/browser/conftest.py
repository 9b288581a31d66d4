"""Pages in a real browser, against Django's live server. Chromium is the system's; without one these tests are skipped."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from core.models import User

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SCREENS = (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390))
EXTREMES = (SCREENS[0], SCREENS[-1])
EVERYTHING = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# What is left to ask when only the colours have changed.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
# The page's script has heard of another width or scheme, and nothing is half-way between two, where it has not the contrast
# that it is going to have.
SETTLED = """
  () => Promise.race([
    new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn))).then(() => Promise.allSettled(
      document.getAnimations().filter(each => each instanceof CSSTransition).map(each => each.finished)
    )),
    new Promise((_, fail) => setTimeout(() => fail(new Error("the page does not come to rest")), 30_000)),
  ])
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="wants Chromium: apt-get install chromium"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, pytest.MonkeyPatch.context() as patch:
        # Playwright's loop runs in the test's thread, where Django would refuse to touch the database otherwise.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


class Visitor:
    """One person's browser window. What its console complains about is collected; the fixture asserts that there was nothing."""

    def __init__(self, page: Any, base: str, *, closes: bool) -> None:
        self.page = page
        self.page.set_default_timeout(30_000)
        self.context = page.context
        self.base = base
        self.closes = closes
        self.complaints: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", self._failed)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _failed(self, error: Any) -> None:
        self.complaints.append(f"{self.page.url}: {error}")

    def goto(self, path: str) -> Any:
        """Open a page of the live server and wait until it is at rest."""
        response = self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")
        return response

    def leave(self) -> None:
        """Close the window, or sign out and forget everything: it shows a page much sooner than a new one."""
        if self.closes:
            self.context.close()
            return
        self.page.remove_listener("console", self._heard)
        self.page.remove_listener("pageerror", self._failed)
        self.page.goto(f"{self.base}/static/img/mark.svg")
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        self.context.clear_cookies()

    def resize(self, scheme: str, width: int) -> None:
        """Show the page on another screen."""
        self.page.emulate_media(color_scheme=scheme)
        self.page.set_viewport_size({"width": width, "height": 900})

    def see(self, name: str, screens: Sequence[tuple[str, int]] = SCREENS, *, held: bool = True, again: bool = False) -> None:
        """The page as it stands is well on each of these screens (colour scheme and width), if it is `held` to that.

        `again` loads it anew for each: Unfold asks for the scheme only once.
        """
        widths = set()
        for scheme, width in screens:
            self.resize(scheme, width)
            if again:
                self.page.reload()
            self.page.evaluate(SETTLED)
            self.keep(f"{name}-{scheme}-{width}")
            if held:
                self.assert_accessible(COLOURS if width in widths else EVERYTHING)
            widths.add(width)

    def assert_accessible(self, rules: dict[str, Any] = EVERYTHING) -> None:
        """No violation that axe finds in the whole page, and nothing that sticks out to the right."""
        self.page.evaluate(SETTLED)
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        options = {"runOnly": rules, "resultTypes": ["violations"], "selectors": False}
        found = self.page.evaluate("options => axe.run(document, options)", options)["violations"]
        assert not found, [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found]
        assert not self.page.evaluate("document.documentElement.scrollWidth > innerWidth"), "the page scrolls sideways"

    def keep(self, name: str) -> None:
        """Save a picture where `make screenshots` asks for them."""
        folder = os.environ.get("PORTICO_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


Visit = Callable[..., Visitor]


@pytest.fixture(scope="package")
def free() -> list[Any]:
    """Windows that nobody looks at now, each with cookies of its own."""
    return []


@pytest.fixture
def visit(browser: Any, free: list[Any], live_server: Any) -> Iterator[Visit]:
    """`visit(user=…, scheme="dark", width=390)`: a window, signed in as that person if one is given.

    One with `options` of the browser's (`permissions=…`), or `alone`, was nobody's before and is nobody's after.
    """
    visitors: list[Visitor] = []
    # localhost, because a passkey belongs to a name, not to an address.
    base = live_server.url.replace("127.0.0.1", "localhost")

    def make(
        user: "User | None" = None, *, scheme: str = "light", width: int = 1280, alone: bool = False, **options: Any
    ) -> Visitor:
        closes = alone or bool(options)
        page = browser.new_context(**options).new_page() if closes or not free else free.pop()
        visitor = Visitor(page, base, closes=closes)
        visitors.append(visitor)
        if user is not None:
            from django.conf import settings
            from django.test import Client

            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            visitor.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": base}])
        visitor.resize(scheme, width)
        return visitor

    yield make
    for visitor in visitors:
        visitor.leave()
    free += [visitor.page for visitor in visitors if not visitor.closes]
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
