"""A suspension holds in every gateway process from the very next call on, and so does its end; see test_next_call.py for more."""

from collections.abc import Iterator

import pytest

from tests.gateway.processes import GatewayProcess
from tests.platform import Gateway, Member

PATH = "/gateway/authorize"


@pytest.fixture
def pair(gateway: Gateway) -> Iterator[list[Gateway]]:
    """Two gateways that share nothing but Redis and PostgreSQL."""
    with GatewayProcess() as other:
        yield [gateway, other]


def test_by_the_operator_api_it_holds_at_once_for_keys_of_both_environments(pair: list[Gateway], operator, acme: Member):
    keys = [acme.key(environment=environment).text for environment in ("live", "test")]
    path = f"/partners/{acme.partner.public_id}"
    for verb, body, wanted in (("suspend", {"reason": "Unpaid"}, 403), ("reactivate", {}, 204)):
        for door in pair:
            for key in keys:
                door.get(PATH, key=key)
        operator.post(f"{path}/{verb}", body).expect(200)
        assert [door.get(PATH, key=key).status for door in pair for key in keys] == [wanted] * 4
