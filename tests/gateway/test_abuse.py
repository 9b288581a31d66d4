"""What abusers get: few guesses, no answers from a blocked network, a bounded number of connections. Others don't notice."""

import http.client
import ipaddress
from contextlib import ExitStack
from datetime import timedelta

import pytest

from core import blocks, clock, crypto
from core.actors import SYSTEM
from gateway.crowd import Crowd
from tests.gateway.test_metering import records

PATH = "/api/partner/v1/partner"


@pytest.fixture
def place(gateway, monkeypatch):
    """Calls from any address, as a trusted proxy forwards them: `place("192.0.2.1", PATH, key=…)`."""
    monkeypatch.setattr(gateway.running.door.addresses, "trusted", (ipaddress.ip_network("127.0.0.1/32"),))

    def call(address, path, **options):
        return gateway.request("GET", path, headers={"X-Forwarded-For": address, **options.pop("headers", {})}, **options)

    return call


@pytest.fixture
def few_guesses(gateway, monkeypatch, redis):
    monkeypatch.setattr(gateway.running.door.limits, "guess_rate", 3)
    yield
    redis.delete(*redis.keys("rate:guess:*") or ["none"])
    gateway.running.door.guesses._used_up.clear()


@pytest.fixture
def block(gateway, eventually):
    """Blocks a network, and returns once the gateway knows it."""
    made = []

    def one(network, **settings):
        made.append(blocks.block(network=network, reason="A test", sure=True, by=SYSTEM, **settings))
        eventually(lambda: gateway.running.door.blocks.count >= len(made), seconds=2)
        return made[-1]

    yield one
    for each in made:
        if each.state == "holds":
            blocks.lift(block=each, by=SYSTEM)
    eventually(lambda: gateway.running.door.blocks.is_empty, seconds=2)


@pytest.mark.usefixtures("few_guesses")
class TestGuesses:
    def test_guesses_end_and_good_keys_from_there_go_on(self, place, acme):
        at, key = "192.0.2.10", acme.key().text
        wrong = [crypto.generate("pk_live_"), "pk_live_short", "eyJhbGciOiJub25lIn0.e30."]
        for each in wrong:
            place(at, PATH, headers={"Authorization": f"Bearer {each}"}).expect(401)
        refused = place(at, PATH, key=crypto.generate("pk_live_")).expect_problem(429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        place(at, PATH, key=key).expect(200)  # has to be looked up
        place(at, PATH, key=key).expect(200)  # is known
        place(at, "/api/partner/v1/health").expect(200)
        place("192.0.2.11", PATH, key="pk_live_short").expect_problem(401, "invalid_key")

    def test_a_flood_is_counted_and_not_written_down(self, place, acme, redis, metrics, eventually):
        at, before = "192.0.2.12", metrics("portico_gateway_decisions_total", outcome="rate_limited")
        for status in (401, 401, 401, 429, 429):
            place(at, PATH, key="pk_live_short").expect(status)
        place(at, PATH, key=acme.key().text).expect(200)  # in its turn
        eventually(lambda: records(redis, acme.partner))
        assert [record.status for _, record in records(redis) if record.address == at] == [401, 401, 401, 200]
        assert metrics("portico_gateway_decisions_total", outcome="rate_limited") == before + 2

    def test_wrong_secrets_are_guesses_and_missing_ones_are_not(self, place, acme):
        at, made = "192.0.2.20", acme.key(require_secret=True)
        for _ in range(4):
            place(at, PATH, key=made.text).expect_problem(401, "invalid_secret")
        for _ in range(3):
            place(at, PATH, key=made.text, headers={"X-API-Secret": "ps_wrong"}).expect_problem(401, "invalid_secret")
        place(at, PATH, key=made.text, headers={"X-API-Secret": "ps_wrong"}).expect_problem(429, "rate_limited")
        place(at, PATH, key=made.text, headers={"X-API-Secret": made.secret}).expect(200)

    def test_a_network_of_ipv6_counts_as_one_address(self, place):
        for last in range(3):
            place(f"2001:db8:1:2::{last}", PATH, key="pk_live_short").expect(401)
        place("2001:db8:1:2:ffff::9", PATH, key="pk_live_short").expect(429)
        place("2001:db8:1:3::1", PATH, key="pk_live_short").expect(401)

    def test_the_token_of_the_metrics_is_guessed_as_seldom(self, place):
        for _ in range(3):
            place("192.0.2.30", "/gateway/metrics").expect(404)
        place("192.0.2.30", "/gateway/metrics").expect_problem(429, "rate_limited")


class TestBlocks:
    def test_nothing_is_served_to_a_blocked_network(self, place, block, acme, metrics):
        key = acme.key().text
        stands = block("198.51.100.0/24")
        counted = metrics("portico_gateway_decisions_total", outcome="address_blocked")
        for path in (PATH, "/accounts/login/", "/gateway/authorize", "/apis/none", "/healthz"):
            refused = place("198.51.100.7", path, key=key).expect_problem(403, "address_blocked")
            assert refused["address"] == "198.51.100.7"
            assert "A test" not in refused.body.decode(), "the reason is for operators"
        nginx = place("198.51.100.7", "/gateway/authorize?style=nginx", key=key).expect(403)
        assert nginx.headers["x-portico-code"] == "address_blocked"
        assert metrics("portico_gateway_decisions_total", outcome="address_blocked") == counted + 6
        place("198.51.101.7", PATH, key=key).expect(200)
        blocks.lift(block=stands, by=SYSTEM)

    def test_it_ends_by_itself_and_when_it_is_lifted(self, gateway, place, block, eventually):
        at = "2001:db8:dead::1"
        stands = block("2001:db8:dead::/48", expires_at=clock.now() + timedelta(hours=1))
        place(at, "/api/partner/v1/health").expect(403)
        clock.tick(timedelta(hours=2))
        try:
            place("2001:db8:dead:1::1", "/api/partner/v1/health").expect(200)
        finally:
            clock.reset()
        place(at, "/api/partner/v1/health").expect(403)
        blocks.lift(block=stands, by=SYSTEM)
        eventually(lambda: gateway.running.door.blocks.is_empty, seconds=2)
        place(at, "/api/partner/v1/health").expect(200)

    def test_it_holds_while_the_engines_are_away(self, gateway, place, block, monkeypatch):
        from gateway.threads import PostgresAway

        async def away(*args, **kwargs):
            raise PostgresAway("stopped")

        block("198.51.100.0/24")
        with monkeypatch.context() as without:
            without.setattr(gateway.running.door.threads, "run", away)
            place("198.51.100.7", PATH).expect_problem(403, "address_blocked")

    def test_whoever_names_another_address_stays_blocked(self, gateway, block):
        block("127.0.0.1")
        gateway.get(PATH, headers={"X-Forwarded-For": "192.0.2.1"}).expect_problem(403, "address_blocked")


class TestCrowd:
    def test_an_address_has_so_many_connections_and_others_theirs(self, monkeypatch):
        """Refused ones are closed at once; whoever leaves makes room."""
        crowd = Crowd(3, lambda peer: False)
        monkeypatch.setattr(crowd, "_counted_as", lambda peer: peer)
        assert [crowd.enter("192.0.2.1") for _ in range(4)] == [True, True, True, False]
        assert crowd.enter("192.0.2.2")
        crowd.leave("192.0.2.1")
        assert crowd.enter("192.0.2.1")
        assert crowd.refused == {"address": 1}

    def test_this_machine_and_proxies_may_hold_any_number(self):
        crowd = Crowd(1, lambda peer: peer == "10.0.0.1")
        assert all(crowd.enter(peer) for peer in ["127.0.0.1", "::1", "", "10.0.0.1"] * 3)
        assert crowd.enter("2001:db8::1")
        assert not crowd.enter("2001:db8::2")

    def test_a_refused_connection_is_closed_and_costs_nobody_else(self, gateway, monkeypatch):
        crowd = gateway.running.door.crowd
        monkeypatch.setattr(crowd, "_most", 2)
        monkeypatch.setattr(crowd, "_counted_as", lambda peer: peer)
        with ExitStack() as stack:
            held = [http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5) for _ in range(2)]
            for each in held:
                stack.callback(each.close)
                each.request("GET", "/api/partner/v1/health")
                assert each.getresponse().read()
            with pytest.raises((ConnectionError, http.client.BadStatusLine)):
                gateway.get("/api/partner/v1/health")
            held[0].request("GET", "/api/partner/v1/health")
            assert held[0].getresponse().status == 200


def test_a_suspended_key_says_why_and_works_again_at_once(gateway, acme, operator):
    from apikeys import keys

    made = acme.key()
    gateway.get(PATH, key=made.text).expect(200)
    keys.suspend(key=made.key, reason="It was suspended: 300 of 310 calls were scans.", incident="inc_1", by=SYSTEM)
    refused = gateway.get(PATH, key=made.text).expect_problem(401, "key_disabled")
    assert refused["detail"] == "It was suspended: 300 of 310 calls were scans."
    asked = operator.post("/keys/verify", {"key": made.text}).expect(200)
    assert (asked["valid"], asked["code"]) == (False, "key_disabled")
    keys.resume(key=made.key, by=SYSTEM)
    gateway.get(PATH, key=made.text).expect(200)
