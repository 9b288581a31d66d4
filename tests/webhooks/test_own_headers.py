"""Headers of their own: sent, never shown, and never to a server that they were not written for."""

from typing import Any

import pytest
from django.db import connection

from core.actors import SYSTEM
from core.problems import ValidationError
from core.redaction import MASK
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, make_endpoint, publish
from webhooks import endpoints, own_headers
from webhooks.models import Attempt, Endpoint

VALUE = "Bearer hdr-4711-very-private"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "x"},
        {"Content-Type": "text/plain"},
        {"webhook-signature": "v1,x"},
        {"Transfer-Encoding": "chunked"},
        {"Proxy-Authorization": "x"},
        {"bad name": "x"},
        {"x\r\ny": "x"},
        {"": "x"},
        {"x-y": "a\r\nwebhook-id: other"},
        {"x-y": " blank"},
        {"x-y": "ü"},
        {"x-y": ""},
        {"x-y": "x" * 1_001},
        {"x-y": "1", "X-Y": "2"},
        {"x-y": MASK},
        {f"x-{number}": "1" for number in range(21)},
    ],
)
def test_what_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as refusal:
        own_headers.checked(headers, kept={})
    assert refusal.value.facts["errors"][0]["pointer"].startswith("/headers")


@pytest.mark.django_db
class TestHeaders:
    def change(self, endpoint: Endpoint, **changes: Any) -> Endpoint:
        endpoints.update(endpoint=endpoint, by=SYSTEM, **changes)
        return Endpoint.objects.get(pk=endpoint.pk)

    def test_are_sent_and_masked_in_what_is_kept(self, acme: Partner, sink: Sink) -> None:
        self.change(make_endpoint(acme, sink), headers={"Authorization": VALUE})
        publish(acme)
        [outcome] = deliver()
        assert outcome.claimed.headers == {"authorization": VALUE}
        kept = Attempt.objects.get()
        assert kept.succeeded
        assert kept.request_headers["authorization"] == MASK
        assert "webhook-signature" in kept.request_headers

    def test_stand_encrypted(self, endpoint: Endpoint) -> None:
        self.change(endpoint, headers={"authorization": VALUE})
        with connection.cursor() as cursor:
            cursor.execute("SELECT headers FROM webhooks_endpoint")
            [(stored,)] = cursor.fetchall()
        assert b"private" not in bytes(stored)

    def test_masked_value_stays_as_it_is(self, endpoint: Endpoint) -> None:
        changed = self.change(endpoint, headers={"authorization": VALUE, "x-tenant": "1"})
        changed = self.change(changed, headers={"authorization": MASK, "x-tenant": "2"})
        assert own_headers.of(changed) == {"authorization": VALUE, "x-tenant": "2"}

    def test_are_not_taken_to_another_server(self, endpoint: Endpoint) -> None:
        changed = self.change(endpoint, headers={"authorization": VALUE})
        with pytest.raises(ValidationError):
            self.change(changed, url="https://203.0.114.7/hooks")
        with pytest.raises(ValidationError):
            self.change(changed, url="https://203.0.114.7/hooks", headers={"authorization": MASK})
        moved = self.change(changed, url="https://203.0.114.7/hooks", headers={})
        assert own_headers.of(moved) == {}

    def test_stay_with_another_path_of_the_server(self, endpoint: Endpoint) -> None:
        changed = self.change(endpoint, headers={"authorization": VALUE})
        assert own_headers.of(self.change(changed, url=f"{endpoint.url.rstrip('/')}/deeper")) == {"authorization": VALUE}


@pytest.mark.parametrize("text", [f"you sent {VALUE}", '{"token": "hdr-4711-very-private"}'])
def test_what_a_server_sends_back_is_masked(text: str) -> None:
    assert "private" not in own_headers.masked(text, {"authorization": VALUE})
