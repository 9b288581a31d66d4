"""Applications in the portal and by API: shown once, within the role, of this partner and environment only."""

import re
from datetime import timedelta

import pytest

from apikeys import leaks
from apikeys.keys import Rights, ScopeNotHeld
from apikeys.models import Application, ClientSecret, Consent
from apikeys.oauth import applications, consents, tokens
from apikeys.verdicts import verify
from core.models import Event
from core.problems import ValidationError
from core.states import StaleState
from partners.models import Notice
from tests.oauth.flows import CALLBACK, INTROSPECT, OPERATOR, ask, browser, connected, issued

pytestmark = pytest.mark.django_db
NEW = {"name": "Sync", "kind": "confidential", "grant_types": ["client_credentials"], "scopes": ["requests:read"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grant_types": []}, "/grant_types"),
        ({"grant_types": ["password"]}, "/grant_types"),
        ({"grant_types": ["client_credentials", "refresh_token"]}, "/grant_types"),
        ({"kind": "public", "grant_types": ["client_credentials"]}, "/grant_types"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["*"]}, "/scopes"),
        ({"scopes": ["nonsense:read"]}, "/scopes"),
        ({"scopes": ["keys:write"]}, "/scopes"),
        ({"redirect_uris": []}, "/redirect_uris"),
        ({"rate_limit_per_minute": 10**9}, "/rate_limit_per_minute"),
        ({"ip_allowlist": ["10.0.0.1/8"]}, "/ip_allowlist/0"),
    ],
)
def test_mistakes_are_named(acme, changes, field):
    with pytest.raises(ValidationError) as refused:
        issued(acme, **changes)
    assert field in {error["pointer"] for error in refused.value.facts["errors"]}


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb",
        "https://*.example/cb",
        "https://app.example/cb#f",
        "https://user@app.example/cb",
        "https://app.example/a/../b",
        "https://app.example/%2e%2e/b",
        "https://app.example/\tcb",
        "https://app.example/cb; script-src *",
        "javascript:alert(1)",
        "com.example.app:/cb",
        "/cb",
        "https://",
        "https://app.example:99999/",
        "https://bücher.example/",
        f"https://app.example/{'a' * 500}",
    ],
)
def test_a_redirect_address_is_whole_and_safe(uri):
    from apikeys.oauth import redirects

    assert list(redirects.mistakes([CALLBACK, uri])) == ["1"]


def test_nobody_gives_it_rights_that_they_lack(acme):
    with pytest.raises(ScopeNotHeld):
        issued(acme, rights=Rights(["usage:read"]))
    app = issued(acme, scopes=["requests:read"])
    with pytest.raises(ScopeNotHeld):
        applications.update(application=app.application, scopes=["billing:read"], by=OPERATOR, rights=Rights(["usage:read"]))
    with pytest.raises(ScopeNotHeld):  # whoever gets the secret gets all that it may
        applications.rotate_secret(application=app.application, grace=timedelta(0), by=OPERATOR, rights=Rights(["usage:read"]))
    elsewhere = {"redirect_uris": ["https://elsewhere.example/callback"]}
    with pytest.raises(ScopeNotHeld):
        applications.update(application=app.application, **elsewhere, by=OPERATOR, rights=Rights(["usage:read"]))


def test_an_ended_application_stays_ended(acme, sync):
    applications.revoke(application=sync.application, by=OPERATOR)
    for verb in (applications.enable, applications.revoke, applications.disable):
        with pytest.raises(StaleState):
            verb(application=sync.application, by=OPERATOR)
    with pytest.raises(StaleState):
        applications.update(application=sync.application, name="Other", by=OPERATOR)


def test_its_end_disconnects_every_partner(globex, sync):
    connected(globex, sync)
    applications.revoke(application=sync.application, by=OPERATOR)
    assert Consent.objects.get().status == "revoked"
    assert Event.objects.filter(type="consent.revoked", partner_id=globex.pk).exists()


@pytest.mark.parametrize("found", ["secret", "access_token", "refresh_token"])
def test_a_leaked_credential_stops_at_once(globex, acme, sync, found):
    given = connected(globex, sync)
    own = ask(sync, grant_type="client_credentials").json()["access_token"]
    leaks.report(text=sync.secret if found == "secret" else given[found], by=OPERATOR)
    works = {
        "own": tokens.is_live(tokens.find(own)),
        "access": tokens.is_live(tokens.find(given["access_token"])),
        "refresh": tokens.is_live(tokens.find(given["refresh_token"])),
    }
    assert (
        works
        == {
            "secret": {"own": False, "access": True, "refresh": True},
            "access_token": {"own": True, "access": False, "refresh": True},
            "refresh_token": {"own": True, "access": False, "refresh": False},
        }[found]
    )
    assert Event.objects.get(type="application.credential_leaked").partner_id == acme.pk
    assert ask(sync, grant_type="client_credentials").status_code == (401 if found == "secret" else 200)


def test_back_ends_can_verify_tokens_themselves(globex, sync):
    given = connected(globex, sync)
    verdict = verify(text=given["access_token"], scope="usage:read")
    assert (verdict.code, verdict.partner_id, verdict.credential_id) == ("valid", globex.public_id, sync.id)
    assert verdict.scopes == ["requests:read", "usage:read"]
    assert verify(text=given["access_token"], scope="keys:read").code == "insufficient_scope"
    consents.revoke(consent=Consent.objects.get(), by=OPERATOR)
    assert verify(text=given["access_token"]).code == "invalid_token"
    assert verify(text="eyJhbGciOiJub25lIn0.e30.").code == "invalid_token"


def test_the_partner_is_told_by_notices(globex, acme, sync, mailoutbox):
    from core import relay

    someone = browser(globex, "developer")
    connected(globex, sync, someone)
    while relay.seal():
        pass
    kinds = set(Notice.objects.values_list("kind", flat=True))
    assert "consent_given" in kinds
    assert any("Order sync" in mail.subject for mail in mailoutbox)


class TestPages:
    def test_the_secret_is_shown_once_and_works(self, acme, client):
        person = browser(acme)
        answer = person.post("/p/acme/applications/new", NEW)
        secret = re.search(r"data-copy=\"(pcs_\w+)\"", answer.content.decode())[1]
        assert answer["Cache-Control"] == "no-store"
        app = Application.objects.get()
        assert applications.authenticated(application=app, text=secret)
        for page in ("/p/acme/applications/", f"/p/acme/applications/{app.public_id}"):
            shown = person.get(page)
            assert shown.status_code == 200
            assert secret not in shown.content.decode()

    def test_a_mistake_is_shown_beside_its_field(self, acme):
        wanted = {**NEW, "grant_types": ["authorization_code"], "redirect_uris": "http://app.example/cb"}
        page = browser(acme).post("/p/acme/applications/new", wanted).content.decode()
        assert "Use https." in page
        assert not Application.objects.exists()

    def test_settings_secrets_and_end(self, acme, sync):
        person, page = browser(acme, "developer"), f"/p/acme/applications/{sync.id}"
        settings = {**NEW, "name": "Orders", "scopes": ["usage:read"]}
        assert person.post(page, settings).status_code == 302
        sync.application.refresh_from_db()
        assert (sync.application.name, sync.application.scopes, sync.application.redirect_uris) == ("Orders", ["usage:read"], [])
        assert "pcs_" in person.post(f"{page}/secret", {"grace": "3600"}).content.decode()
        old = ClientSecret.objects.order_by("id").first()
        assert person.get(f"{page}/secret/{old.public_id}/revoke").status_code == 200
        person.post(f"{page}/secret/{old.public_id}/revoke")
        assert ask(sync, grant_type="client_credentials").status_code == 401
        person.post(f"{page}/disable")
        person.post(f"{page}/enable")
        person.post(f"{page}/revoke")
        sync.application.refresh_from_db()
        assert sync.application.status == "revoked"
        assert person.get(page).status_code == 200

    @pytest.mark.parametrize("path", ["", "/secret", "/revoke", "/disable"])
    def test_a_stranger_finds_nothing(self, globex, sync, path):
        assert browser(globex).post(f"/p/globex/applications/{sync.id}{path}", NEW).status_code == 404

    def test_a_viewer_looks_only(self, acme, sync):
        person, page = browser(acme, "viewer"), f"/p/acme/applications/{sync.id}"
        assert person.get(page).status_code == 200
        for path in ("", "/secret", "/revoke", "/disable"):
            assert person.post(page + path, NEW).status_code == 403

    def test_a_connection_is_seen_and_ended_by_the_partner_that_made_it(self, acme, globex, sync):
        person = browser(globex, "developer")
        given = connected(globex, sync, person)
        consent = Consent.objects.get()
        assert "Order sync" in person.get("/p/globex/applications/connected/").content.decode()
        page = f"/p/globex/applications/connected/{consent.public_id}"
        assert "See your requests and their results" in person.get(page).content.decode()
        assert browser(acme).post(f"/p/acme/applications/connected/{consent.public_id}/revoke").status_code == 404
        assert person.get(f"{page}/revoke").status_code == 200
        person.post(f"{page}/revoke")
        assert ask(sync, INTROSPECT, token=given["access_token"]).json() == {"active": False}
