"""The portal's pages for keys: shown once, within the role, of this partner and environment only."""

import re

import pytest
from django.test import Client

from apikeys import keys
from apikeys.models import Key
from apikeys.verdicts import verify
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
        ("scopes", [], "required"),
        ("name", "", "required"),
    ],
)
def test_mistake_is_shown_beside_its_field(acme, field, value, said):
    form = {"name": "Orders", "scopes": ["requests:read"], "lifetime": "0", field: value}
    page = browser(acme).post("/p/acme/keys/new", form).content.decode()
    assert said in page
    assert not Key.objects.exists()


def test_developer_hands_on_no_right_beyond_the_role(acme):
    client = browser(acme, "developer")
    page = client.get("/p/acme/keys/new").content.decode()
    assert 'value="requests:write"' in page
    assert 'value="billing:write"' not in page
    client.post("/p/acme/keys/new", {"name": "n", "scopes": ["partner:write"], "lifetime": "0"})
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
    for page in (path, f"{path}/rotate", f"{path}/revoke", f"{path}/disable", "/p/acme/keys/new"):
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
    client.post(path, {"name": "Renamed", "scopes": ["keys:read"], "ip_allowlist": ""})
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
    form = {"name": "t", "scopes": ["requests:read"], "lifetime": "0"}
    page = client.post(f"/p/{pending.slug}/keys/new", form).content.decode()
    assert shown_key(page).startswith("pk_test_")
    client.post(f"/p/{pending.slug}/environment", {"environment": "live"})
    page = client.get(f"/p/{pending.slug}/keys/").content.decode()
    assert "Live keys come with your approval" in page
    assert "keys/new" not in page


def test_list_asks_as_often_for_many_keys_as_for_few(acme, issued, django_assert_max_num_queries):
    client = browser(acme)
    for place in range(8):
        keys.issue(partner=acme, environment="live", name=str(place), by=OPERATOR)
    client.get("/p/acme/keys/")  # the first page of a session also writes who signed in from where
    with django_assert_max_num_queries(8):
        client.get("/p/acme/keys/")
