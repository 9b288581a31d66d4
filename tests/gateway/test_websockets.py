"""WebSockets and event streams under `/apis/`: passed on where they are allowed, metered, and ended with the right to call."""

import asyncio
import hashlib
import socket
import threading
from base64 import b64encode
from contextlib import suppress
from datetime import timedelta

import pytest

from apikeys import keys
from apikeys.models import Consent
from apikeys.oauth import consents
from core import blocks, clock
from core.actors import SYSTEM
from marketplace import installations, integrations
from partners import partners
from tests.gateway.test_metering import records
from tests.oauth.flows import connected, issued

KEY = b64encode(b"0123456789abcdef").decode()
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo:
    """A server that agrees to any handshake and sends back what it gets. `accept` is what it says instead of the right thing."""

    def __init__(self):
        self.accept = ""
        self.heads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/base"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(wire,), daemon=True).start()

    def _talk(self, wire):
        with wire, suppress(ConnectionError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += wire.recv(65536)
            self.heads.append(head.decode().lower())
            key = head.decode().lower().split("sec-websocket-key: ")[1].split("\r\n")[0]
            accept = self.accept or b64encode(hashlib.sha1((KEY + GUID).encode()).digest()).decode()
            assert key == KEY.lower()
            said = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\nX-Own: 1\r\n\r\nhello"
            wire.sendall(f"HTTP/1.1 101 Switching Protocols\r\n{said}".encode())
            while data := wire.recv(65536):
                wire.sendall(data)

    def close(self):
        self._listener.close()


@pytest.fixture
def echo(served):
    from django.db import transaction

    from core import versions

    running = Echo()
    integrations.update(integration=served.integration, changes={"websocket": True}, by=SYSTEM)
    served.integration.current.__class__.objects.filter(pk=served.integration.current_id).update(upstream_url=running.url)
    with transaction.atomic():
        versions.bump(served.integration)
    yield running
    running.close()


@pytest.fixture
def ask(gateway, served, consumer):
    """Sends a handshake; the connection, with a short patience."""
    made = []

    def send(more="", early=b"", path=None):
        wire = socket.create_connection(("127.0.0.1", gateway.port), timeout=8)
        made.append(wire)
        wire.sendall(
            f"GET {path or served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nUpgrade: websocket\r\n"
            f"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n".encode()
            + early
        )
        return wire

    yield send
    for wire in made:
        wire.close()


def read(wire, wanted):
    """Until what was read ends with it."""
    got = b""
    while not got.endswith(wanted):
        part = wire.recv(65536)
        assert part, got
        got += part
    return got


def test_bytes_pass_both_ways_and_are_metered(echo, ask, redis, acme, eventually):
    wire = ask(early=b"early")
    head = read(wire, b"early")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"hello" in head
    large = bytes(range(256)) * 8_000
    threading.Thread(target=wire.sendall, args=(large,)).start()
    got = b""
    while len(got) < len(large):
        got += wire.recv(1 << 20)
    assert got == large
    wire.close()
    [(_, record)] = eventually(lambda: records(redis, acme.partner))
    size = len(large) + 5
    assert (record.status, record.bytes_in, record.bytes_out) == (101, size, size + 5)
    assert "x-portico-signature" in echo.heads[0]
    assert "x-api-key" not in echo.heads[0]


def test_it_is_under_way_as_long_as_it_is_open(echo, ask, redis, acme, eventually):
    places = f"places:{acme.partner.pk.hex}:live"
    wire = ask()
    read(wire, b"hello")
    assert redis.zcard(places) == 1
    wire.close()
    eventually(lambda: redis.zcard(places) == 0)


def test_a_slow_reader_is_waited_for(echo, ask):
    """What nobody takes is not read from the other side either."""
    wire = ask()
    read(wire, b"hello")
    wire.settimeout(1)
    sent = 0
    with pytest.raises(TimeoutError):  # noqa: PT012  (each part may be the last)
        while sent < 200_000_000:
            sent += wire.send(b"x" * 1_000_000)
    assert sent < 60_000_000


def test_an_integration_that_takes_none(gateway, served, ask, upstream):
    assert b" 400 " in ask().recv(65536)
    assert upstream.seen == []


def test_nobody_else_takes_any(ask):
    assert b" 400 " in ask(path="/api/partner/v1").recv(65536)


@pytest.mark.parametrize(
    ("old", "new"), [("Version: 13", "Version: 8"), (f"Key: {KEY}", "Key: short"), ("keep-alive, Upgrade", "close")]
)
def test_no_handshake(gateway, served, consumer, echo, old, new):
    said = (
        f"GET {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nUpgrade: websocket\r\n"
        f"Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=8) as wire:
        wire.sendall(said.replace(old, new).encode())
        assert b" 400 " in wire.recv(65536)
    assert echo.heads == []


def test_an_upstream_that_agrees_to_something_else(echo, ask):
    echo.accept = "bm8="
    assert b" 502 " in ask().recv(65536)


def test_an_upstream_that_declines(gateway, served, ask, upstream):
    integrations.update(integration=served.integration, changes={"websocket": True}, by=SYSTEM)
    upstream.status, upstream.body = 403, b"no"
    wire = ask()
    assert read(wire, b"no").startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("act", ["revoke", "suspend", "unserve"])
def test_it_ends_with_the_right_to_call(echo, ask, consumer, acme, served, act):
    wire = ask()
    read(wire, b"hello")
    if act == "revoke":
        keys.revoke(key=consumer.key, by=SYSTEM)
    elif act == "suspend":
        partners.suspend(partner=acme.partner, reason="Abuse", by=SYSTEM)
    else:
        integrations.suspend(integration=served.integration, reason="Abuse", by=SYSTEM)
    assert wire.recv(10) == b""


def test_it_ends_when_its_address_is_blocked(echo, ask, gateway, eventually):
    wire = ask()
    read(wire, b"hello")
    block = blocks.block(network="127.0.0.1", reason="A test", sure=True, by=SYSTEM)
    try:
        assert wire.recv(10) == b""
    finally:
        blocks.lift(block=block, by=SYSTEM)
        eventually(lambda: gateway.running.door.blocks.is_empty)


def test_silence_ends_it(echo, ask, served):
    integrations.update(integration=served.integration, changes={"stream_idle_timeout": 1}, by=SYSTEM)
    wire = ask()
    read(wire, b"hello")
    assert wire.recv(10) == b""


def test_no_more_than_allowed(echo, ask, settings, eventually, gateway):
    settings.WEBSOCKETS_A_PARTNER = 1
    first = ask()
    read(first, b"hello")
    assert b" 503 " in ask().recv(65536)
    first.close()
    eventually(lambda: gateway.running.door.metrics.tunnels == 0)
    read(ask(), b"hello")


def test_a_stream_of_events_ends_with_the_right_to_call(gateway, served, consumer, upstream):
    upstream.headers, upstream.body = {"Content-Type": "text/event-stream"}, [b"data: 1\n\n", b"data: 2\n\n"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=8) as wire:
        wire.sendall(f"GET {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\n\r\n".encode())
        read(wire, b"data: 1\n\n\r\n")
        keys.revoke(key=consumer.key, by=SYSTEM)
        with suppress(ConnectionResetError):
            assert wire.recv(10) == b""  # without the chunk that would have ended it
    upstream.gate.set()


def test_a_stream_of_events_is_under_way_until_it_ends(gateway, served, consumer, upstream, acme, redis, eventually):
    upstream.headers, upstream.body = {"Content-Type": "text/event-stream"}, [b"data: 1\n\n", b"data: 2\n\n"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=8) as wire:
        wire.sendall(f"GET {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\n\r\n".encode())
        read(wire, b"data: 1\n\n\r\n")
        assert redis.zcard(f"places:{acme.partner.pk.hex}:live") == 1
        upstream.gate.set()
        eventually(lambda: redis.zcard(f"places:{acme.partner.pk.hex}:live") == 0)


def test_a_stream_of_events_may_be_silent_for_longer(gateway, served, consumer, upstream):
    integrations.update(integration=served.integration, changes={"idle_timeout": 1}, by=SYSTEM)
    upstream.headers, upstream.body = {"Content-Type": "text/event-stream"}, [b"data: 1\n\n", b"data: 2\n\n"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=8) as wire:
        wire.sendall(f"GET {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\n\r\n".encode())
        read(wire, b"data: 1\n\n\r\n")
        asyncio.run(asyncio.sleep(1.6))  # longer than anything else may be
        upstream.gate.set()
        assert b"data: 2" in wire.recv(65536)


def test_it_ends_with_the_consent_that_it_stands_on(gateway, echo, served, acme, initech):
    app = issued(initech.partner)
    installations.install(integration=served.integration, partner=acme.partner, environment="live", by=SYSTEM)
    token = connected(acme.partner, app)["access_token"]
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=8) as wire:
        wire.sendall(
            f"GET {served.path}/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n".encode()
        )
        read(wire, b"hello")
        clock.tick(timedelta(minutes=2))  # what changed before is looked at no more
        for _look in range(2):
            asyncio.run_coroutine_threadsafe(gateway.running.door.changes.read(), gateway.running.loop).result(5)
        consents.revoke(consent=Consent.objects.get(application=app.application, partner=acme.partner), by=SYSTEM)
        assert wire.recv(10) == b""
