"""A suspension holds in every gateway process from the very next call on, and so does its end."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from core.actors import SYSTEM
from partners import partners
from tests.gateway.processes import GatewayProcess
from tests.platform import Gateway, Member, member

PATH = "/gateway/authorize"
TRIES = 100


@pytest.fixture(scope="module")
def doors(platform: Gateway) -> Iterator[list[GatewayProcess]]:
    """Three gateways that share nothing but Redis and PostgreSQL."""
    with ExitStack() as stack:
        yield [stack.enter_context(GatewayProcess()) for _ in range(3)]


@pytest.mark.slow
def test_next_call_in_every_process_is_refused_and_after_it_let_through(doors: list[GatewayProcess]) -> None:
    initech = member(doors[0], "Initech", tier="professional")
    key = initech.key().text
    for door in doors:
        door.get(PATH, key=key).expect(204)  # every process has the key in memory
    for attempt in range(TRIES):
        first = attempt % len(doors)  # each is the first to be asked in turn
        asked = [*doors[first:], *doors[:first]]
        partners.suspend(partner=initech.partner, reason="Unpaid", by=SYSTEM)
        for door in asked:
            door.get(PATH, key=key).expect_problem(403, "partner_suspended")
        partners.reactivate(partner=initech.partner, by=SYSTEM)
        for door in asked:
            door.get(PATH, key=key).expect(204)


def test_by_the_operator_api_it_holds_at_once_for_keys_of_both_environments(doors: list[GatewayProcess], operator, acme: Member):
    keys = [acme.key(environment=environment).text for environment in ("live", "test")]
    path = f"/partners/{acme.partner.public_id}"
    for verb, body, wanted in (("suspend", {"reason": "Unpaid"}, 403), ("reactivate", {}, 204)):
        for door in doors:
            for key in keys:
                door.get(PATH, key=key)
        operator.post(f"{path}/{verb}", body).expect(200)
        assert [door.get(PATH, key=key).status for door in doors for key in keys] == [wanted] * 6
