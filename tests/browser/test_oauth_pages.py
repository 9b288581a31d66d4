"""An application in the portal and on its consent page: the browser really goes back to it, which a policy could forbid."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from apikeys.models import Consent
from apikeys.oauth import applications
from partners import partners
from tests.browser import people
from tests.browser.conftest import EXTREMES, SCREENS, Visit
from tests.oauth.flows import ALL_GRANTS, pkce, request_of

pytestmark = pytest.mark.django_db(transaction=True)


class Callback(BaseHTTPRequestHandler):
    """The application, where people come back to."""

    def do_GET(self) -> None:
        body = b"<link rel=icon href=data:,><h1>Welcome back</h1>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def callback() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/callback"
    server.shutdown()
    server.server_close()


def made(callback: str) -> Any:
    """An application of another partner."""
    from types import SimpleNamespace

    maker = partners.create(name="Northwind Software", by=people.OWNER, active=True)
    issued = applications.issue(
        partner=maker,
        environment="live",
        name="Order sync",
        grant_types=ALL_GRANTS,
        scopes=["requests:read", "requests:write", "usage:read"],
        redirect_uris=[callback],
        by=people.OWNER,
    )
    return SimpleNamespace(id=issued.application.public_id, application=issued.application, maker=maker)


def test_somebody_lets_an_application_act_and_comes_back_to_it(visit: Visit, callback: str) -> None:
    owner, partner = people.established()
    asked = request_of(made(callback), pkce()[1], redirect_uri=callback, scope="requests:read usage:read", state="s1")
    visitor = visit(owner)
    visitor.goto(f"/oauth/authorize?{urlencode(asked)}")
    assert f"act for {partner.name}?" in visitor.page.inner_text("h1")
    visitor.see("oauth-consent", EXTREMES)
    with visitor.page.expect_navigation(url="**/callback?**"):
        visitor.page.get_by_role("button", name="Allow", exact=True).click()
    answer = parse_qs(urlsplit(visitor.page.url).query)
    assert (answer["state"], set(answer)) == (["s1"], {"code", "state", "iss"})
    visitor.goto(f"/p/{partner.slug}/applications/connected/")
    visitor.page.get_by_role("link", name="Order sync").click()
    visitor.page.get_by_role("link", name="Disconnect").click()
    visitor.page.get_by_role("button", name="Disconnect").click()
    visitor.page.get_by_text("may act for you no more").wait_for()
    assert Consent.objects.get().status == "revoked"


@pytest.mark.slow
def test_applications_look_well(visit: Visit, callback: str) -> None:
    owner, partner = people.established()
    visitor = visit(owner)
    root = f"/p/{partner.slug}/applications/"
    visitor.goto(root)
    visitor.see("oauth-applications-empty", EXTREMES)
    visitor.goto(f"{root}new")
    visitor.see("oauth-application-new", SCREENS)
    visitor.page.get_by_label("Name").fill("Order sync")
    visitor.page.get_by_label("requests:read").check()
    visitor.page.get_by_role("button", name="Create application").click()
    visitor.page.get_by_text("This is the only time that the secret is shown.").wait_for()
    visitor.see("oauth-application-secret", EXTREMES)
    visitor.page.get_by_role("link", name="I have kept it").click()
    visitor.page.get_by_text("About this application").wait_for()
    visitor.see("oauth-application", SCREENS)
    visitor.goto(root)
    visitor.see("oauth-applications", EXTREMES)
    visitor.goto("/developers/oauth/")
    visitor.see("oauth-guide", EXTREMES)
