"""`/p/<slug>/login`: a partner's own way in, which tells nobody anything that isn't public."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from partners import partners
from partners.models import Member
from tests.partners.conftest import PUBLIC

pytestmark = pytest.mark.django_db

FORM = {"login": "owner@globex.example", "password": "kumquat-sunrise-42"}


@pytest.fixture
def owner(active, signed_in):
    signed_in(active, "owner")
    user = Member.objects.get(partner=active).user
    user.set_password(FORM["password"])
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def hidden_next(page):
    _theme, form, *_passkey = re.findall(r'name="next" value="([^"]+)"', page.content.decode())
    return form.replace("&amp;", "&")


def sign_in(path, **changes):
    """Through the page as a browser would, following every redirect."""
    browser = Client()
    page = browser.get(path, follow=True)
    place = page.redirect_chain[-1][0] if page.redirect_chain else path
    form = {**FORM, "next": hidden_next(page), **changes}
    return browser.post(place.split("?")[0], form, follow=True)


def test_page_has_the_partners_name(active):
    assert "Sign in to Globex" in Client().get("/p/globex/login").content.decode()


def test_member_gets_to_the_portal(owner):
    answer = sign_in("/p/globex/login")
    assert answer.redirect_chain[-1][0] == "/p/globex/"
    assert answer.wsgi_request.partner.slug == "globex"


def test_member_gets_to_the_page_that_was_wanted(owner):
    assert sign_in("/p/globex/keys/?status=active").redirect_chain[-1][0] == "/p/globex/keys/?status=active"


def test_mistyped_password_keeps_the_name_and_the_way(owner):
    answer = sign_in("/p/globex/keys/", password="something else")
    assert answer.status_code == 200
    assert "Sign in to Globex" in answer.content.decode()
    assert hidden_next(answer) == "/p/globex/login?next=%2Fp%2Fglobex%2Fkeys%2F"


def test_others_learn_only_that_it_is_none_of_theirs(owner, confirmed):
    pages = [sign_in(f"/p/{slug}/login") for slug in ("acme", "nobody-has-this")]
    assert [page.status_code for page in pages] == [404, 404]
    texts = [re.sub(r'nonce="[^"]+"|csrfmiddlewaretoken" value="[^"]+"', "", page.content.decode()) for page in pages]
    assert texts[0].replace("/p/acme/", "") == texts[1].replace("/p/nobody-has-this/", "")
    assert "Not one of your partners" in texts[0]


def test_partners_that_do_not_show_themselves_have_no_name_here(active, confirmed):
    partners.update(partner=active, by=PUBLIC, listed=False)
    for slug in ("globex", "acme", "nobody-has-this"):
        page = Client().get(f"/p/{slug}/login")
        assert page.status_code == 200
        assert "<h1>Sign in</h1>" in page.content.decode()


@pytest.mark.parametrize("wanted", ["https://evil.example/p/globex/", "//evil.example", "/admin/", "/p/other/"])
def test_nobody_is_led_elsewhere(owner, wanted):
    browser = Client()
    browser.force_login(owner)
    assert browser.get("/p/globex/login", {"next": wanted})["Location"] == "/p/globex/"


def test_attempts_are_counted_with_those_of_the_common_page(owner):
    for _attempt in range(5):
        Client().post("/accounts/login/", {**FORM, "password": "wrong-password"})
    assert "Too many failed" in sign_in("/p/globex/login").content.decode()
