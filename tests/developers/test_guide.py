"""The code that the guide shows does what it says."""

import html
import re
from typing import Any

import pytest
from django.test import Client

from core import clock
from webhooks import signing

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(client: Client) -> dict[str, Any]:
    """What the page's pieces of Python define."""
    page = client.get("/developers/guide/").content.decode()
    found: dict[str, Any] = {}
    for code in re.findall(r"<code>(import .*?)</code>", page, re.DOTALL):
        exec(html.unescape(code), found)
    return found


def test_it_verifies_a_webhook_and_refuses_an_altered_one(shown) -> None:
    secret, at = signing.new_secret(), int(clock.now().timestamp())
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(at),
        "webhook-signature": "v1,old " + signing.sign(secret, message_id="evt_1", timestamp=at, body=b"{}"),
    }
    assert shown["verify"](secret, headers, b"{}")
    assert not shown["verify"](secret, headers, b"{ }")
    assert not shown["verify"](secret, {**headers, "webhook-timestamp": str(at - 3600)}, b"{}")
