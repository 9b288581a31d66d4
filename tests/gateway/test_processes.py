"""Several gateways share nothing but Redis and PostgreSQL, and one that is killed is missed by number."""

import re
import socket
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from apikeys import keys
from core.actors import SYSTEM
from gateway.__main__ import bound_at
from tests.gateway.processes import GatewayProcess
from tests.gateway.test_metering import records
from tests.local.platform_run import left_of
from usage.records import ALIVE, EPOCH, member

AUTHORIZE = "/gateway/authorize"


@pytest.fixture
def other(platform):
    """A second gateway."""
    with GatewayProcess() as running:
        yield running


def by_path(path, head):
    """The first line and the headers of an answer over a Unix socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(f"{head}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: client.recv(65536), b"")).decode()


@pytest.fixture
def pair(platform):
    """A gateway of two processes."""
    with GatewayProcess(processes=2) as running:
        yield running


def children(running):
    return psutil.Process(running.process.pid).children()


def counted(running):
    """The processes that the metrics speak of."""
    return set(re.findall(r'latency_seconds_count{process="(\w+)"}', running.get("/gateway/metrics").expect(200).body.decode()))


def test_a_process_that_ends_is_replaced(pair, acme, eventually):
    key = acme.key().text
    before = children(pair)
    assert len(before) == 2
    before[0].kill()
    eventually(lambda: len([child for child in children(pair) if child not in before]) == 1)
    for _ in range(20):
        pair.get(AUTHORIZE, key=key).expect(204)


class TestSocket:
    """A proxy on the same machine may ask by a path."""

    @pytest.fixture
    def path(self):
        with tempfile.TemporaryDirectory(prefix="gateway-") as folder:  # pytest's own is too long for a socket
            yield Path(folder) / "gateway.sock"

    def test_a_proxy_is_served_by_the_path_and_believed_about_the_client(self, platform, path, acme):
        key = acme.key(ip_allowlist=["203.0.113.7"]).text
        with GatewayProcess(processes=2, PORTICO_GATEWAY_SOCKET=str(path)) as running:
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            asked = f"GET {AUTHORIZE} HTTP/1.1\r\nX-API-Key: {key}\r\nX-Forwarded-For: "
            assert by_path(path, f"{asked}203.0.113.7").startswith("HTTP/1.1 204 ")
            assert "ip_not_allowed" in by_path(path, f"{asked}203.0.113.8")
            running.get(AUTHORIZE, key=key, headers={"X-Forwarded-For": "203.0.113.7"}).expect_problem(403, "ip_not_allowed")

    def test_a_path_that_a_killed_gateway_left_is_taken_over_and_one_in_use_is_not(self, path):
        bound_at(str(path)).close()
        with bound_at(str(path)) as taken:
            taken.listen()
            with pytest.raises(OSError, match="Address already in use"):
                bound_at(str(path))
        path.unlink()
        path.write_text("somebody's")
        with pytest.raises(OSError, match="Address already in use"):
            bound_at(str(path))


def test_any_process_tells_what_all_count(pair, eventually):
    eventually(lambda: len(counted(pair)) >= 2)


def test_processes_end_with_the_one_that_forked_them(platform):
    with GatewayProcess(processes=2) as running:
        started = children(running)
        psutil.Process(running.process.pid).kill()
        assert left_of(started, 10) == []


def test_a_gateway_leaves_nobody_behind(platform):
    """These tests' own gateways: also one that nobody stopped ends, and its folder goes."""
    with GatewayProcess() as running:
        gateway = psutil.Process(running.process.pid)
        started = [gateway, *gateway.children(recursive=True)]
    assert left_of(started, 2) == []
    assert not running.home.exists()


def test_two_gateways_keep_one_limit_exactly_and_one_revocation(gateway, other, acme):
    made = acme.key(rate_limit_per_minute=40)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit((gateway, other)[number % 2].get, AUTHORIZE, key=made.text) for number in range(80)]
        statuses = [call.result().status for call in calls]
    # 40 at once, and one more for each 1.5 s that the calls took: counted by the clock of the script, not by ours.
    assert 40 <= statuses.count(204) <= 44
    assert set(statuses) == {204, 429}
    fresh = acme.key()
    assert {door.get(AUTHORIZE, key=fresh.text).status for door in (gateway, other)} == {204}
    keys.revoke(key=fresh.key, by=SYSTEM)
    assert {door.get(AUTHORIZE, key=fresh.text).status for door in (gateway, other)} == {401}


def test_what_a_killed_gateway_had_not_sent_is_known_by_number(platform, acme, redis):
    with GatewayProcess() as doomed:
        key = acme.key().text
        doomed.get(AUTHORIZE, key=key).expect(204)
        for _ in range(5):
            doomed.get(AUTHORIZE, key=key).expect(204)
        doomed.kill()
    epochs = [name.decode().removeprefix("usage:epoch:") for name in redis.scan_iter(EPOCH.format("*"))]
    admitted = {epoch: int(redis.hget(EPOCH.format(epoch), member(acme.partner.pk, "live")) or 0) for epoch in epochs}
    [epoch] = [epoch for epoch, count in admitted.items() if count]
    assert admitted[epoch] == 6
    sent = [found for found, record in records(redis, acme.partner) if found == epoch and record.metered]
    assert len(sent) <= 6
    assert redis.ttl(ALIVE.format(epoch)) <= 15  # nobody renews it any more


def test_a_stopped_gateway_sends_all_it_has(platform, acme, redis):
    with GatewayProcess() as leaving:
        key = acme.key().text
        for _ in range(5):
            leaving.get(AUTHORIZE, key=key).expect(204)
        leaving.stop()
    found = records(redis, acme.partner)
    assert len(found) == 5
    assert not redis.exists(ALIVE.format(found[0][0]))
