"""An engine that stops under load for ten seconds: nothing breaks for clients, limits hold, all calls are there."""

import os
import time

import pytest
import redis as redis_client

from core import ids
from local.processes import Process
from local.valkey import program
from tests.gateway.load import Load, statuses
from tests.gateway.processes import GatewayProcess, postgres_cable
from tests.gateway.test_metering import records
from tests.platform import member
from usage.records import EPOCH
from usage.records import member as counted_as

pytestmark = pytest.mark.slow

OUTAGE = 10.0
RATE = 600
AUTHORIZE = "/gateway/authorize"


@pytest.fixture
def valkey(tmp_path_factory):
    """A Valkey of its own, which keeps what it has when it is killed."""
    folder = tmp_path_factory.mktemp("valkey")
    settings = {"port": "0", "unixsocket": f"{folder}/sock", "appendonly": "yes", "dir": str(folder), "save": ""}
    argv = [str(program()), *(word for name, value in settings.items() for word in (f"--{name}", value))]
    server = Process(name="valkey", argv=argv, log=folder / "log", env=dict(os.environ), cwd=folder)
    server.start()
    with redis_client.Redis.from_url(f"unix://{folder}/sock") as client:
        wait_for(lambda: answers(client))
        yield server, client, f"unix://{folder}/sock?db=0"
    server.kill_group()


def answers(client):
    try:
        return client.ping()
    except redis_client.ConnectionError:
        return False


def wait_for(holds, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def test_redis_killed_in_the_middle_of_batches(platform, valkey, say):
    server, client, url = valkey
    initech = member(platform, "Initech", tier="enterprise")
    free, limited = initech.key(), initech.key(rate_limit_per_minute=RATE)
    with GatewayProcess(REDIS_URL=url) as door:
        load = Load([door.port], [free.text, limited.text], clients=16)
        load.wait_for(1_500)
        server.kill_group()
        stopped = time.time()
        time.sleep(OUTAGE)
        server.start()
        wait_for(lambda: answers(client))
        started = time.time()
        load.wait_for(1_500)
        seen = load.end()
        wait_for(lambda: not list((door.home / "spool").iterdir()))
        door.stop()
        in_usage = [record.call for _, record in records(client, initech.partner)]

    meanwhile = [answer for answer in seen if stopped <= answer.began and answer.ended < started]
    of_limited = [answer for answer in meanwhile if answer.key == limited.text]
    let_in = sum(answer.status == 204 for answer in of_limited)
    called = {ids.decode("call", answer.headers["x-request-id"]).bytes for answer in seen}
    admitted = sum(answer.status == 204 for answer in seen)
    field = counted_as(initech.partner.pk, "live")
    counted = sum(int(client.hget(key, field) or 0) for key in client.scan_iter(EPOCH.format("*")))
    twice = len(in_usage) - len(set(in_usage))
    say(
        f"Redis away for {started - stopped:.1f} s: {statuses(meanwhile)}; with {RATE} a minute {let_in} were let in; in all "
        f"{statuses(seen)}; in usage {len(set(in_usage))} of {len(called)}, {twice} of them twice in the stream (counted once "
        f"by their id); {admitted} admitted, {counted} counted by epoch"
    )
    assert {answer.status for answer in seen} == {204, 429}
    assert 0 < let_in <= RATE + (started - stopped) * RATE / 60 + 1
    assert set(in_usage) == called
    assert admitted <= counted <= admitted + 100  # what was asked when it was killed may have been counted twice


def test_postgres_stopped(platform, say):
    cable, url = postgres_cable()
    initech = member(platform, "Initech", tier="enterprise")
    fresh, known = initech.key(), [initech.key() for _ in range(8)]  # so many that none meets its rate
    try:
        with GatewayProcess(DATABASE_URL=url) as door:
            load = Load([door.port], [key.text for key in known], clients=len(known))
            load.wait_for(500)
            cable.cut()
            stopped, refusals = time.monotonic(), []
            while time.monotonic() < stopped + OUTAGE:
                refusals.append(door.get(AUTHORIZE, key=fresh.text).expect_problem(503, "temporarily_unavailable"))
                time.sleep(0.25)
            cable.mend()
            mended = time.monotonic()
            wait_for(lambda: door.get(AUTHORIZE, key=fresh.text).status == 204)
            healed = time.monotonic() - mended
            load.wait_for(500)
            seen = load.end()
    finally:
        cable.remove()
    say(f"PostgreSQL away: known keys {statuses(seen)}; new ones {len(refusals)} × 503, 204 {healed:.2f} s after it came back")
    assert {answer.status for answer in seen} == {204}
    assert all(int(refused.headers["retry-after"]) >= 1 for refused in refusals)
    assert healed < 5
