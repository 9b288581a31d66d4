"""Idempotency-Key when many send at once, and when a process is killed in the middle: never a second effect."""

import contextlib
import http.client
import secrets
import socket
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from os import environ
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from apikeys.models import Key
from core.actors import SYSTEM
from core.models import StoredAnswer
from local.processes import Process
from marketplace import installations
from tests import leaks
from tests.gateway.processes import GatewayProcess, database_url
from tests.platform import ROOT
from usage.records import ALIVE

pytestmark = pytest.mark.slow

AT_ONCE = 50
UNDER_WAY = {"idempotency_in_flight", "outcome_unknown"}


@pytest.fixture
def once():
    return {"Idempotency-Key": secrets.token_hex(8)}


@pytest.fixture
def body():
    return {"name": f"CI {secrets.token_hex(4)}", "environment": "test", "scopes": ["partner:read"]}


def made(body):
    """The keys that came of it."""
    return Key.objects.filter(name=body["name"]).count()


def same_time(send):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda _: send(), range(AT_ONCE)))


class TestAtOnce:
    def test_equal_posts_to_our_own_api_have_one_effect(self, acme, once, body, say):
        answers = same_time(lambda: acme.api.post("/keys", body, headers=once))
        done = [answer for answer in answers if answer.status == 201]
        refused = [answer for answer in answers if answer.status == 409]
        say(f"{AT_ONCE} equal POSTs of our own: {len(done)} × 201, {len(refused)} × 409, {made(body)} effect")
        assert made(body) == 1
        assert len({answer["id"] for answer in done}) == 1
        assert len(done) + len(refused) == AT_ONCE
        assert {answer["code"] for answer in refused} <= {"idempotency_in_flight"}
        assert sum("key" in answer.json for answer in done) <= 1

    def test_equal_posts_to_an_upstream_are_sent_once(self, gateway, served, consumer, upstream, once, say):
        upstream.body = secrets.token_hex(8).encode()
        answers = same_time(lambda: gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once))
        done = [answer for answer in answers if answer.status == 200]
        refused = [answer for answer in answers if answer.status == 409]
        say(f"{AT_ONCE} equal POSTs to an upstream: {len(done)} × 200, {len(refused)} × 409, sent {len(upstream.seen)} times")
        assert len(upstream.seen) == 1
        assert {answer.body for answer in done} == {upstream.body}
        assert len(done) + len(refused) == AT_ONCE
        assert {answer["code"] for answer in refused} <= {"idempotency_in_flight"}

    def test_partners_and_environments_have_keys_of_their_own(self, gateway, served, consumer, acme, initech, upstream, once):
        for whose, environment in ((acme, "test"), (initech, "live")):
            installations.install(integration=served.integration, partner=whose.partner, environment=environment, by=SYSTEM)
        callers = [consumer, acme.key(environment="test"), initech.key()]
        for caller in callers * 2:
            gateway.post(f"{served.path}/x", b"{}", key=caller.text, headers=once).expect(200)
        assert len(upstream.seen) == len(callers)


class Sent(threading.Thread):
    """A POST that nobody may ever answer."""

    def __init__(self, door, path, body, key, headers):
        super().__init__(daemon=True)
        self.door, self.request = door, {"path": path, "body": body, "key": key, "headers": headers}
        self.answer = None
        self.start()

    def run(self):
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.answer = self.door.post(**self.request)


@contextlib.contextmanager
def locked(statement, *parameters):
    """A lock on rows or tables while the block runs."""
    with psycopg.connect(database_url()) as holding:
        holding.execute(statement, parameters)
        yield
        holding.rollback()


def is_waited_for(table):
    """Whether a statement about this table waits for a lock."""
    with connection.cursor() as cursor:
        statement = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
        cursor.execute(statement, [f'%"{table}"%'])
        return cursor.fetchone()[0] > 0


class TestUpstreamsWhoseGatewayIsKilled:
    """The call isn't sent again, whenever that was."""

    @pytest.fixture
    def doomed(self, platform):
        with GatewayProcess() as running:
            yield running

    @pytest.fixture
    def send(self, doomed, served, consumer, once):
        return lambda door=doomed: Sent(door, f"{served.path}/x", b"{}", consumer.text, once)

    @pytest.fixture
    def again(self, gateway, served, consumer, once, redis):
        """The same request to another gateway: first while the dead one still counts as alive, then after that."""

        def ask():
            answers = [gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once)]
            for row in StoredAnswer.objects.filter(key=once["Idempotency-Key"]):
                redis.delete(ALIVE.format(row.headers.get("epoch", "")))
            answers.append(gateway.post(f"{served.path}/x", b"{}", key=consumer.text, headers=once))
            return answers

        return ask

    def test_after_its_claim_and_before_it_was_sent(self, doomed, upstream, once, send, again, eventually):
        port = upstream.server.server_port
        upstream.server.shutdown()
        upstream.server.server_close()
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
            with contextlib.suppress(TimeoutError):  # nobody else gets a connection then
                while True:
                    stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.3))
            send()
            eventually(lambda: StoredAnswer.objects.filter(key=once["Idempotency-Key"]).exists(), 20)
            doomed.kill()
            first, last = again()
            full.close()
        assert first.expect(409)["code"] in UNDER_WAY
        last.expect_problem(409, "outcome_unknown")
        assert upstream.seen == []

    def test_while_the_upstream_works(self, doomed, upstream, send, again):
        upstream.gate.clear()
        send()
        assert upstream.arrived.wait(20)
        doomed.kill()
        upstream.gate.set()
        first, last = again()
        assert first.expect(409)["code"] in UNDER_WAY
        last.expect_problem(409, "outcome_unknown")
        assert len(upstream.seen) == 1

    def test_after_the_answer_and_before_it_is_stored(self, doomed, upstream, once, send, again, eventually):
        upstream.gate.clear()
        send()
        assert upstream.arrived.wait(20)
        with locked("SELECT 1 FROM core_storedanswer WHERE key = %s FOR UPDATE", once["Idempotency-Key"]):
            upstream.gate.set()
            eventually(lambda: is_waited_for("core_storedanswer"), 20)
            doomed.kill()
        for answer in again():  # PostgreSQL may do what the dead process had asked for, or not
            assert answer.status == 200 or answer["code"] in UNDER_WAY
        assert len(upstream.seen) == 1

    def test_after_it_is_stored(self, doomed, upstream, once, send, again, eventually):
        send().join(10)
        doomed.kill()
        for answer in again():
            assert answer.expect(200).headers["idempotent-replayed"] == "true"
        assert len(upstream.seen) == 1


class Web:
    """Django as it runs in an installation, in processes of its own."""

    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="web-")
        self.socket = f"{self.home.name}/web.sock"
        argv = f"{sys.executable} -m granian --interface wsgi --blocking-threads 4 config.wsgi:application --uds {self.socket}"
        env = environ | {"DATABASE_URL": database_url(), "PORTICO_HOME": self.home.name}
        log = Path(self.home.name) / "log"
        self.process = Process(name="web", argv=argv.split(), log=log, env=env, cwd=ROOT, socket=Path(self.socket))
        self.log = log

    def start(self, eventually):
        self.process.start()
        eventually(self._listens, 60)

    def _listens(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def kill(self):
        self.process.kill_group()


class TestOurOwnWhoseProcessIsKilled:
    """Effect and answer are both there, or neither."""

    @pytest.fixture
    def web(self, platform, eventually):
        running = Web()
        running.start(eventually)
        yield running
        running.kill()
        leaks.look_at_files(running.log)
        running.home.cleanup()

    @pytest.fixture
    def door(self, web):
        with GatewayProcess(PORTICO_WEB_SOCKET=web.socket) as running:
            yield running

    @staticmethod
    def repeat(door, body, key, once, eventually):
        """The same until it isn't said to be under way any more: PostgreSQL has to notice that its client is gone."""
        answer = door.post("/api/partner/v1/keys", body, key=key, headers=once)
        if answer.status == 409:
            assert answer["code"] == "idempotency_in_flight"
            return None
        return answer

    @pytest.mark.parametrize("table", ["apikeys_key", "core_storedanswer"], ids=["before the effect", "before its answer"])
    def test_web(self, door, web, acme, once, body, table, eventually):
        key = acme.key().text
        with locked(f"LOCK TABLE {table} IN EXCLUSIVE MODE"):
            Sent(door, "/api/partner/v1/keys", body, key, once)
            eventually(lambda: is_waited_for(table), 20)
            web.kill()
        web.start(eventually)
        first = eventually(lambda: self.repeat(door, body, key, once, eventually), 20).expect(201)
        again = self.repeat(door, body, key, once, eventually).expect(201)
        assert (again["id"], again.headers["idempotent-replayed"]) == (first["id"], "true")
        assert made(body) == 1

    def test_gateway(self, door, web, acme, once, body, eventually):
        key = acme.key().text
        with GatewayProcess(PORTICO_WEB_SOCKET=web.socket) as doomed, locked("LOCK TABLE core_storedanswer IN EXCLUSIVE MODE"):
            Sent(doomed, "/api/partner/v1/keys", body, key, once)
            eventually(lambda: is_waited_for("core_storedanswer"), 20)
            doomed.kill()
        answer = eventually(lambda: self.repeat(door, body, key, once, eventually), 20).expect(201)
        assert answer.headers["idempotent-replayed"] == "true"
        assert made(body) == 1


def test_no_secret_is_found_in_what_is_stored(gateway, acme, upstream, served, consumer):
    """Of whatever shows a secret once, and of requests that carry one; the rows are read decrypted."""
    marks = [secrets.token_hex(8) for _ in range(4)]
    acme.api.post("/keys", {"name": "CI", "environment": "test", "require_secret": True}, headers={"Idempotency-Key": marks[0]})
    hook = acme.api.post("/webhooks", {"url": upstream.url, "event_types": ["*"]}, headers={"Idempotency-Key": marks[1]})
    path = f"/webhooks/{hook.expect(201)['id']}/rotate-secret"
    acme.api.post(path, {}, headers={"Idempotency-Key": marks[2]}).expect(200)
    session = f"session={secrets.token_hex(20)}"
    asked = {"Idempotency-Key": marks[3], "Authorization": f"Bearer {consumer.text}", "Cookie": session}
    gateway.post(f"{served.path}/x", b"{}", headers=asked).expect(200)
    rows = StoredAnswer.objects.filter(key__in=marks)
    assert len(rows) == len(marks)
    for row in rows:
        assert leaks.within(f"{row.body} {row.headers} {row.caller} {row.key}") == ""
        assert session not in f"{row.body} {row.headers}"
