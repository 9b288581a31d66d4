"""Every problem code has a page at the address that problem documents link to."""

import json

import pytest
from django.test import Client
from django.utils.html import escape

from core import problems
from developers.guides import GUIDES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("code", problems.catalogue())
def test_each_code_has_a_page_that_says_what_to_do(client: Client, code: str) -> None:
    kind = problems.catalogue()[code]
    url = json.loads(json.dumps({"type": f"{problems.type_url}{code}"}))["type"]
    response = client.get(url)
    page = response.content.decode()
    assert response.status_code == 200
    assert code in page
    assert str(kind.title) in page.replace("&#x27;", "'")
    assert f"HTTP/1.1 {kind.status} " in page
    assert all(str(escape(step)) in page for step in GUIDES[code].steps)
    assert "{" not in page.split("<main")[1].split("<pre")[0]  # every placeholder is filled


def test_each_code_has_a_guide_and_no_guide_is_of_a_code_that_is_gone() -> None:
    """A new Problem with a code of its own wants an entry in developers/guides.py."""
    assert GUIDES.keys() == problems.catalogue().keys()


def test_unknown_code_is_not_found(client: Client) -> None:
    assert client.get("/developers/errors/no-such-code").status_code == 404


def test_list_links_to_all(client: Client) -> None:
    page = client.get("/developers/errors/").content.decode()
    assert all(f'href="/developers/errors/{code}"' in page for code in problems.catalogue())


def test_no_placeholder_is_left_open() -> None:
    from developers.errors import catalogue

    assert [each.code for each in catalogue() if "{" in each.detail] == []
