"""Clients and upstreams that mean ill: what one of them sends or holds costs nobody else."""

import asyncio
import http.client
import socket
import time
from contextlib import ExitStack, asynccontextmanager, suppress

import pytest

from gateway import connections, http1, server
from gateway.__main__ import bound
from gateway.calls import Call
from gateway.exchanges import lines
from gateway.http1 import MOST_AT_ONCE, Pool, unix
from gateway.shelf import Shelf
from gateway.upstream import Django
from tests.gateway.test_metering import records

NOTHING = b"OPTIONS /api/partner/v1/keys HTTP/1.1\r\nHost: x\r\n\r\n"  # answered at once, from no limit


def connect(gateway, timeout=10):
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=timeout)


def send_without_reading(wire):
    """As many requests as the gateway takes while nobody reads its answers; returns how many bytes that were."""
    wire.settimeout(2)
    sent = 0
    try:
        while sent < 64_000_000:
            sent += wire.send(NOTHING * 2_000)
    except OSError:
        pass
    return sent


def test_who_reads_no_answers_is_not_read_from(gateway, monkeypatch):
    """Nor do others wait for what such a client asks."""
    monkeypatch.setattr(connections, "WRITE_TIMEOUT", 30)
    with connect(gateway) as wire:
        assert send_without_reading(wire) < 30_000_000
        began = time.monotonic()
        gateway.get("/gateway/nothing").expect(404)
        assert time.monotonic() - began < 2


def test_who_reads_no_answers_is_let_go(gateway, monkeypatch):
    monkeypatch.setattr(connections, "WRITE_TIMEOUT", 0.5)
    with connect(gateway) as wire:
        send_without_reading(wire)
        wire.settimeout(10)
        with pytest.raises(ConnectionError):  # noqa: PT012  (first come the answers that were on their way)
            while wire.recv(1 << 20):
                pass
            wire.send(NOTHING)


def test_slow_bodies_keep_nobody_from_django(gateway):
    head = b"POST /nothing-here HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n1"
    with ExitStack() as stack:
        for _ in range(MOST_AT_ONCE + 10):
            stack.enter_context(connect(gateway)).sendall(head)
        gateway.get("/nothing-here", headers={"Host": "localhost"}).expect(404)


class Web:
    """A server behind a gateway of its own, with few places: `/large` answers LARGE, everything else `small`."""

    LARGE = bytes(range(256)) * 40_000

    def __init__(self):
        self._writers = []

    async def answer(self, reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = self.LARGE if b" /large " in head else b"small"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.close()

    @asynccontextmanager
    async def behind_gateway(self, path, shelf):
        """The address of the gateway."""
        django = Django(path, shelf)

        async def serve(exchange):
            call = Call(exchange, "", exchange.headers, exchange.fields)
            await django.pass_through(call, [], 1_000)

        front = server.Server(serve)
        listening = bound("127.0.0.1", 0)
        async with await asyncio.start_unix_server(self.answer, path):
            await front.open(listening)
            yield listening.getsockname()
            await front.close()
            django.close()

    async def ask(self, address, path):
        """A connection that has asked, and reads little of its own accord."""
        reader, writer = await asyncio.open_connection(*address, limit=1_024)
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
        self._writers.append(writer)  # which would close its connection, were it forgotten
        return reader


@pytest.fixture
def few_places(monkeypatch):
    monkeypatch.setattr(http1, "MOST_AT_ONCE", 3)


def test_slow_readers_keep_nobody_from_django(few_places, tmp_path):
    web, shelf = Web(), Shelf()

    async def run():
        async with web.behind_gateway(str(tmp_path / "web.sock"), shelf) as address, asyncio.timeout(30):
            slow = [await web.ask(address, b"/large") for _ in range(8)]
            for _ in range(5):
                quick = await web.ask(address, b"/small")
                assert (await quick.read()).endswith(b"small")
            while shelf.used < 8 * 1_000_000:
                await asyncio.sleep(0.01)
            for reader in slow:
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                assert await reader.read() == web.LARGE
            assert shelf.used == 0

    asyncio.run(run())


def test_slow_readers_are_cut_off_before_they_fill_the_disk(few_places, tmp_path):
    web, shelf = Web(), Shelf(most=1_000_000)

    async def run():
        async with web.behind_gateway(str(tmp_path / "web.sock"), shelf) as address, asyncio.timeout(30):
            slow = [await web.ask(address, b"/large") for _ in range(8)]
            quick = await web.ask(address, b"/small")
            assert (await quick.read()).endswith(b"small")
            for reader in slow:
                await reader.readuntil(b"\r\n\r\n")
                assert len(await reader.read()) < len(web.LARGE)
            assert shelf.used == 0

    asyncio.run(run())


@pytest.mark.parametrize("status", [101, 99, 600])
def test_an_upstream_gives_final_answers_only(gateway, served, consumer, upstream, status):
    upstream.status = status
    gateway.get(f"{served.path}/x", key=consumer.text).expect_problem(502, "upstream_unavailable")


def test_an_answer_that_breaks_off_is_its_sellers_failure(gateway, served, consumer, upstream, redis, acme, eventually):
    """What is recorded below 500 is charged."""

    def break_off(request):
        request.send_response(200)
        request.send_header("Content-Length", "10")
        request.end_headers()
        request.wfile.write(b"half")
        request.close_connection = True

    upstream.answer = break_off
    with pytest.raises(http.client.IncompleteRead):
        gateway.get(f"{served.path}/x", key=consumer.text)
    [(_, record)] = eventually(lambda: records(redis, acme.partner))
    assert record.status == 502


def test_what_is_wrong_with_a_body_is_not_the_upstreams_failure(gateway, served, consumer):
    head = f"POST {served.path}/x HTTP/1.1\r\nHost: x\r\nX-API-Key: {consumer.text}\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = gateway.raw(head.encode() + b"1\r\na\r\nno chunk")
    assert b"HTTP/1.1 400 " in answer
    assert b"malformed_request" in answer


def test_no_length_is_told_of_no_body(gateway, served, consumer, upstream):
    upstream.status, upstream.body = 204, b""
    assert "content-length" not in gateway.get(f"{served.path}/x", key=consumer.text).expect(204).headers


def test_no_header_has_a_line_break():
    for value in (b"a\rb", b"a\nb", b"a\r\nb"):
        with pytest.raises(ValueError, match="line break"):
            lines([(b"x-a", value)])


def test_a_connection_with_half_a_body_serves_nobody_else(tmp_path):
    """The server behind would take the next request for the rest of that body."""
    seen = []

    async def answer_early(reader, writer):
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    async def half():
        yield b"x"
        await asyncio.sleep(0.2)
        yield b"y"

    async def send_two():
        path = str(tmp_path / "web.sock")
        async with await asyncio.start_unix_server(answer_early, path):
            pool = Pool(unix(path))
            for body in (half(), b""):
                head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
                async with asyncio.timeout(5):
                    answer = await pool.send(head, body, bodiless=False, repeatable=False)
                answer.close()
            pool.close()

    asyncio.run(send_two())
    assert len(seen) == 2
