"""The portal's pages for keys: shown once, within the role, of this partner and environment only."""

import re
from datetime import UTC, datetime, time, timedelta

import pytest
from django.test import Client

from apikeys import keys
from apikeys.models import Key
from apikeys.verdicts import verify
from core import clock
from core.models import User
from partners import partners
from partners.models import Member
from tests.apikeys.conftest import OPERATOR

pytestmark = pytest.mark.django_db


def browser(partner, role="owner") -> Client:
    user = User.objects.create_user(f"{role}@{partner.slug}.example")
    Member.objects.create(partner=partner, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def shown_key(page: str) -> str:
    return re.search(r"data-copy=\"(pk_\w+)\"", page)[1]


def test_new_key_is_shown_once_and_works(acme):
    client = browser(acme)
    answer = client.post(
        "/p/acme/keys/new",
        {"name": "Orders", "scopes": ["requests:read"], "ip_allowlist": "192.0.2.1\n2001:db8::/32", "lifetime": "30"},
    )
    assert answer["Cache-Control"] == "no-store"
    text = shown_key(answer.content.decode())
    key = Key.objects.get()
    assert verify(text=text, scope="requests:read", address="192.0.2.1").code == "valid"
    assert (key.ip_allowlist, key.environment) == (["192.0.2.1", "2001:db8::/32"], "live")
    for page in ("/p/acme/keys/", f"/p/acme/keys/{key.public_id}"):
        assert text not in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("ip_allowlist", "10.0.0.1/8", "10.0.0.0/8"),
        ("rate_limit_per_minute", "5000", "1000"),
        ("ip_allowlist", "192.0.2.1\n\nnonsense", "Line 3: nonsense is no IPv4 or IPv6 address"),
        ("scopes", [], "required"),
        ("lifetime", "date", "Say on which date."),
        ("name", "", "required"),
    ],
)
def test_mistake_is_shown_beside_its_field(acme, field, value, said):
    form = {"name": "Orders", "scopes": ["requests:read"], "lifetime": "never", field: value}
    page = browser(acme).post("/p/acme/keys/new", form).content.decode()
    assert said in page
    assert not Key.objects.exists()


def test_developer_hands_on_no_right_beyond_the_role(acme):
    client = browser(acme, "developer")
    page = client.get("/p/acme/keys/new").content.decode()
    assert 'value="requests:write"' in page
    assert 'value="billing:write"' not in page
    client.post("/p/acme/keys/new", {"name": "n", "scopes": ["partner:write"], "lifetime": "never"})
    assert not Key.objects.exists()


def test_developer_gets_no_stronger_key_by_rotating(acme):
    strong = keys.issue(partner=acme, environment="live", name="n", scopes=["*"], by=OPERATOR).key
    page = browser(acme, "developer").post(f"/p/acme/keys/{strong.public_id}/rotate", {"grace": "0"}, follow=True)
    assert "rights that you don" in page.content.decode()
    assert Key.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_reader_sees_and_changes_nothing(acme, issued, role):
    client = browser(acme, role)
    path = f"/p/acme/keys/{issued.key.public_id}"
    assert client.get("/p/acme/keys/").status_code == 200
    assert client.get(path).status_code == 200
    pages = (
        *(f"{path}/{deed}" for deed in ("edit", "rotate", "rotate-secret", "revoke", "disable", "enable")),
        "/p/acme/keys/new",
    )
    for page in pages:
        assert client.post(page, {"name": "x", "grace": "0"}).status_code == 403
    issued.key.refresh_from_db()
    assert (issued.key.status, issued.key.name) == ("active", "Back end")


def test_stranger_and_other_environment_find_nothing(acme, globex, issued):
    path = f"keys/{issued.key.public_id}"
    other = browser(globex)
    assert other.get(f"/p/acme/{path}").status_code == 404
    assert other.get(f"/p/globex/{path}").status_code == 404
    mine = browser(acme)
    mine.post("/p/acme/environment", {"environment": "test"})
    assert mine.get(f"/p/acme/{path}").status_code == 404


def test_change_rotate_switch_and_revoke(acme, issued):
    client = browser(acme)
    path = f"/p/acme/keys/{issued.key.public_id}"
    client.post(f"{path}/edit", {"name": "Renamed", "scopes": ["keys:read"], "ip_allowlist": "", "lifetime": "keep"})
    new = shown_key(client.post(f"{path}/rotate", {"grace": "3600"}).content.decode())
    assert [verify(text=text).code for text in (issued.text, new)] == ["valid", "valid"]
    client.post(f"{path}/disable")
    assert verify(text=issued.text).code == "key_disabled"
    client.post(f"{path}/enable")
    assert verify(text=issued.text).code == "valid"
    assert client.get(f"{path}/revoke").status_code == 200
    client.post(f"{path}/revoke")
    assert verify(text=issued.text).code == "key_revoked"
    assert "state does not allow" in client.post(f"{path}/enable", follow=True).content.decode()
    issued.key.refresh_from_db()
    assert (issued.key.name, issued.key.scopes) == ("Renamed", ["keys:read"])


def test_pending_partner_is_told_when_live_keys_come(acme):
    pending = partners.create(name="New", by=OPERATOR)
    client = browser(pending)
    form = {"name": "t", "scopes": ["requests:read"], "lifetime": "never"}
    page = client.post(f"/p/{pending.slug}/keys/new", form).content.decode()
    assert shown_key(page).startswith("pk_test_")
    client.post(f"/p/{pending.slug}/environment", {"environment": "live"})
    page = client.get(f"/p/{pending.slug}/keys/").content.decode()
    assert "Live keys come with your approval" in page
    assert "keys/new" not in page


def test_link_of_a_mail_leads_into_the_environment_of_its_key(acme):
    key = keys.issue(partner=acme, environment="test", name="Nightly", by=OPERATOR).key
    client = browser(acme)
    path = f"/p/acme/keys/{key.public_id}"
    assert client.get(path).status_code == 404
    assert "Nightly" in client.get(f"{path}?environment=test", follow=True).content.decode()
    assert client.get(f"{path}?environment=nonsense").status_code == 200


def test_list_asks_as_often_for_many_keys_as_for_few(acme, issued, django_assert_max_num_queries):
    client = browser(acme)
    for place in range(8):
        keys.issue(partner=acme, environment="live", name=str(place), by=OPERATOR)
    client.get("/p/acme/keys/")  # the first page of a session also writes who signed in from where
    with django_assert_max_num_queries(9):
        client.get("/p/acme/keys/")


def test_end_is_a_date_or_stays_as_it_is(acme, issued):
    client = browser(acme)
    path = f"/p/acme/keys/{issued.key.public_id}/edit"
    form = {"name": "Back end", "scopes": ["keys:read"]}
    day = clock.now().date() + timedelta(days=40)
    client.post(path, {**form, "lifetime": "date", "expires_on": day.isoformat()})
    issued.key.refresh_from_db()
    assert issued.key.expires_at == datetime.combine(day, time(23, 59, 59), UTC)
    client.post(path, {**form, "name": "Orders", "lifetime": "keep"})
    before = issued.key.expires_at
    issued.key.refresh_from_db()
    assert (issued.key.name, issued.key.expires_at) == ("Orders", before)
    page = client.post(path, {**form, "lifetime": "date", "expires_on": "2020-01-01"}).content.decode()
    assert "This date is past." in page


def test_presets_tick_what_the_role_may_give(acme):
    page = browser(acme, "developer").get("/p/acme/keys/new?preset=read").content.decode()
    ticked = set(re.findall(r'value="([a-z]+:[a-z]+)" id="[^"]+" checked', page))
    assert {"requests:read", "webhooks:read"} <= ticked
    assert all(name.endswith(":read") for name in ticked)
    assert "billing:read" not in page


def test_secret_is_renewed_alone(acme):
    given = keys.issue(partner=acme, environment="live", name="n", require_secret=True, by=OPERATOR)
    client = browser(acme)
    path = f"/p/acme/keys/{given.key.public_id}/rotate-secret"
    assert "To change over without a gap" in client.get(path).content.decode()
    answer = client.post(path)
    assert answer["Cache-Control"] == "no-store"
    page = answer.content.decode()
    secret = re.search(r"data-copy=\"(ps_\w+)\"", page)[1]
    assert given.text not in page
    assert verify(text=given.text, secret=given.secret).code == "invalid_secret"
    assert verify(text=given.text, secret=secret).code == "valid"


def test_env_file_has_no_line_that_a_name_smuggles_in(acme):
    given = keys.issue(partner=acme, environment="test", name="n\nPORTICO_URL=https://evil.example", by=OPERATOR)
    client = browser(acme)
    client.post("/p/acme/environment", {"environment": "test"})
    page = client.post(f"/p/acme/keys/{given.key.public_id}/rotate", {"grace": "0"}).content.decode()
    lines = re.search(r"<code>(# .*?)</code>", page, re.DOTALL)[1].splitlines()
    assert [line.partition("=")[0] for line in lines[1:]] == ["PORTICO_URL", "PORTICO_ENVIRONMENT", "PORTICO_KEY"]
    assert "evil.example" not in "".join(lines[1:])


def test_list_is_narrowed_by_status_and_words(acme, issued):
    ending = keys.issue(partner=acme, environment="live", name="CI", expires_at=clock.now() + timedelta(days=2), by=OPERATOR).key
    over = keys.issue(partner=acme, environment="live", name="Old", expires_at=clock.now() + timedelta(days=2), by=OPERATOR).key
    Key.objects.filter(pk=over.pk).update(created_at=clock.now() - timedelta(days=2), expires_at=clock.now() - timedelta(days=1))
    client = browser(acme)

    def names(query: str) -> list[str]:
        page = client.get(f"/p/acme/keys/?{query}").content.decode()
        return sorted(name for name in ("Back end", "CI", "Old") if f">{name}</a>" in page)

    assert names("") == ["Back end", "CI", "Old"]
    assert names("status=active") == ["Back end", "CI"]
    assert names("status=expired") == ["Old"]
    assert names("status=expiring") == ["CI"]
    assert names("q=back") == ["Back end"]
    assert names(f"q={ending.public_id}") == ["CI"]
    assert names("status=nonsense") == ["Back end", "CI", "Old"]
    assert "No key fits" in client.get("/p/acme/keys/?q=zzz").content.decode()


def test_own_address_outside_the_list_is_said(acme):
    form = {"name": "n", "scopes": ["requests:read"], "lifetime": "never"}
    client = browser(acme)
    warning = "Your own address is not allowed"
    assert warning in client.post("/p/acme/keys/new", {**form, "ip_allowlist": "192.0.2.1"}).content.decode()
    assert warning not in client.post("/p/acme/keys/new", {**form, "ip_allowlist": "127.0.0.0/8"}).content.decode()
