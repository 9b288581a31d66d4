"""What goes wrong is said in words, on a page of ours."""

from django.test import Client


def test_form_that_was_open_too_long(db):
    browser = Client(enforce_csrf_checks=True)
    came_from = "http://testserver/accounts/login/?next=/p/acme/"
    answer = browser.post("/accounts/login/", {"login": "ann@acme.example"}, headers={"Referer": came_from})
    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Please send it again" in page
    assert f'href="{came_from}"' in page
    assert "CSRF" not in page


def test_nobody_is_led_to_another_site(db):
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/theme", {"theme": "dark"}, headers={"Referer": "https://evil.example/"})
    assert answer.status_code == 403
    assert "evil.example" not in answer.content.decode()
