"""The guarded client against servers and names that mean harm."""

import asyncio
import gzip
import http.server
import itertools
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from core import outbound
from core.addresses import check_url
from core.outbound import Answer, BrokenOff, Client, Refused, TooSlow, Unreachable, post

Result = TypeVar("Result")
Script = Callable[[http.server.BaseHTTPRequestHandler], None]


class Trap(http.server.ThreadingHTTPServer):
    """A listener that must not be reached, or answers as scripted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.reached: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.script: Script = lambda handler: plain(handler, 200, b"ok")
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Trap
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.reached.append(self.path)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.server.script(self)
        except OSError:
            self.close_connection = True

    do_POST = do_HEAD = do_GET  # noqa: N815  (the base class looks for these names)

    def log_message(self, *args: Any) -> None:
        pass


def plain(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def trap() -> Iterator[Trap]:
    server = Trap()
    yield server
    server.shutdown()
    server.server_close()


def fetch(url: str, method: str = "GET", lookup: Any = None, **options: Any) -> Answer:
    async def run() -> Answer:
        async with Client(lookup=lookup) as client:
            return await client.fetch(method, url, **options)

    return asyncio.run(run())


def within_bounds(work: Callable[[], Result]) -> Result:
    """What it gives, after little time and with little memory."""
    began = time.monotonic()
    tracemalloc.start()
    try:
        result = work()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 16_000_000
    assert time.monotonic() - began < 20
    return result


class TestRebinding:
    """A name is judged by every address it has, each time a connection is made."""

    @pytest.fixture(autouse=True)
    def _strict(self, settings) -> None:
        settings.ALLOW_LOCAL_TARGETS = False

    @pytest.mark.parametrize(
        "found",
        [
            ["127.0.0.1"], ["::1"], ["10.0.0.8"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"],
            ["2606:4700::1", "::ffff:127.0.0.1"], ["fe80::1%lo"], ["0.0.0.0"], ["64:ff9b::7f00:1"],
        ],
    )  # fmt: skip
    def test_name_of_an_inner_address(self, trap: Trap, found: list[str]) -> None:
        with pytest.raises(Refused):
            fetch(f"http://rebind.example:{trap.server_port}/", lookup=lambda host, port: found)
        assert not trap.reached

    def test_name_that_changes_its_mind(self, trap: Trap) -> None:
        answers = itertools.chain([["93.184.216.34"]], itertools.repeat(["127.0.0.1"]))
        url = f"http://rebind.example:{trap.server_port}/"
        with pytest.raises((Refused, Unreachable)):
            fetch(url, lookup=lambda host, port: next(answers), timeout=0.5)
        with pytest.raises(Refused):
            fetch(url, lookup=lambda host, port: next(answers))
        assert not trap.reached

    def test_socket_itself_is_guarded(self, trap: Trap, settings) -> None:
        """Even if the resolver were fooled, no socket is made for an inner address."""
        from core import outbound

        place = outbound.Place("127.0.0.1", trap.server_port)
        with pytest.raises(Refused):
            outbound._guarded_socket(place)

    def test_check_by_form(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(Refused):
            check_url("https://localhost/")
        check_url("https://does-not-exist.invalid/")  # may come up later; judged again at each connection

    def test_literal(self, trap: Trap) -> None:
        with pytest.raises(Refused):
            fetch(trap.url)
        with pytest.raises(Refused):
            post(trap.url, headers={}, body=b"")
        assert not trap.reached


class TestAnswers:
    def test_redirect_is_not_followed(self, trap: Trap) -> None:
        trap.script = lambda handler: plain(handler, 302, b"", Location="/second")
        assert fetch(trap.url + "first").status == 302
        assert trap.reached == ["/first"]

    def test_proxy_variables_are_ignored(self, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1/")
        assert fetch(trap.url).status == 200

    def test_cookies_are_not_kept(self, trap: Trap) -> None:
        trap.script = lambda handler: plain(handler, 200, b"", Set_Cookie="a=b")

        async def twice() -> None:
            async with Client() as client:
                await client.fetch("GET", trap.url)
                await client.fetch("GET", trap.url)

        asyncio.run(twice())
        assert "cookie" not in trap.headers[1]

    def test_long_answer_is_cut_off(self, trap: Trap) -> None:
        trap.script = lambda handler: plain(handler, 200, b"x" * 300_000)
        answer = fetch(trap.url, most=65_536)
        assert (len(answer.body), answer.truncated) == (65_536, True)

    def test_endless_answer_ends(self, trap: Trap) -> None:
        def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            while True:
                handler.wfile.write(b"x" * 65_536)

        trap.script = endless
        assert fetch(trap.url, most=1_000).truncated

    def test_compressed_bomb_is_not_opened(self, trap: Trap) -> None:
        bomb = gzip.compress(b"\0" * 20_000_000)
        trap.script = lambda handler: plain(handler, 200, bomb, Content_Encoding="gzip")
        answer = fetch(trap.url)
        assert len(answer.body) <= 65_536
        assert answer.body == bomb[: len(answer.body)]

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity", "no-such"])
    def test_no_encoding_is_undone(self, trap: Trap, encoding: str) -> None:
        trap.script = lambda handler: plain(handler, 200, b"\x1f\x8b as it came", Content_Encoding=encoding)
        assert fetch(trap.url).body == b"\x1f\x8b as it came"
        assert trap.headers[0]["accept-encoding"] == "identity"

    def test_compressed_transfer_is_not_opened(self, trap: Trap) -> None:
        bomb = gzip.compress(b"\0" * 20_000_000)

        def script(handler: http.server.BaseHTTPRequestHandler) -> None:
            head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
            handler.wfile.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(bomb), bomb))

        trap.script = script
        assert within_bounds(lambda: fetch(trap.url)).body == bomb

    @pytest.mark.parametrize(
        ("begin", "again"),
        [
            (b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
            (b"HTTP/1.1 200 ", b"a" * 65_536),
            (b"HTTP/1.1 200 OK\r\nX: ", b"a" * 65_536),
            (b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 10_000),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a" * 65_536),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 10_000),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n" * 10_000),
        ],
        ids=["interim answers", "reason", "header", "headers", "chunk extension", "chunks of a byte", "trailers"],
    )
    def test_endless_kinds(self, trap: Trap, begin: bytes, again: bytes) -> None:
        def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.wfile.write(begin)
            while True:
                handler.wfile.write(again)

        trap.script = endless

        def attempt() -> str:
            try:
                return "cut" if fetch(trap.url, timeout=0.3, most=1_000).truncated else "whole"
            except Unreachable as failure:
                return type(failure).__name__

        assert within_bounds(attempt) in {"cut", "TooSlow", "Unreachable"}

    def test_slow_drip_ends_in_time(self, trap: Trap) -> None:
        def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            for _ in range(100):
                handler.wfile.write(b"x")
                time.sleep(0.05)

        trap.script = drip
        began = time.monotonic()
        with pytest.raises(TooSlow):
            fetch(trap.url, timeout=0.4)
        assert time.monotonic() - began < 3

    def test_slow_headers_end_in_time(self, trap: Trap) -> None:
        trap.script = lambda handler: time.sleep(2)
        with pytest.raises(TooSlow, match=r"within 0\.3 seconds"):
            fetch(trap.url, timeout=0.3)

    def test_broken_off(self, trap: Trap) -> None:
        def broken(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)

        trap.script = broken
        with pytest.raises(Unreachable, match="closed the connection"):
            fetch(trap.url)

    def test_not_http(self, trap: Trap) -> None:
        trap.script = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9\r\n") and None
        with pytest.raises(Unreachable):
            fetch(trap.url, timeout=3)

    def test_nobody_listens(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with pytest.raises(Unreachable, match="nothing listens"):
            fetch(f"http://127.0.0.1:{port}/")

    def test_unknown_name(self) -> None:
        with pytest.raises(Unreachable, match="name could not be found"):
            fetch("https://does-not-exist.invalid/")

    def test_dead_name_is_remembered(self) -> None:
        asked = []

        def lookup(host: str, port: int) -> list[str]:
            asked.append(host)
            raise OSError("no answer")

        async def twice() -> None:
            async with Client(lookup=lookup) as client:
                for _ in range(2):
                    with pytest.raises(Unreachable):
                        await client.fetch("GET", "http://dead.example/")

        asyncio.run(twice())
        assert asked == ["dead.example"]

    def test_name_that_waited_behind_dead_ones_is_not_taken_for_dead(self, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbound, "LOOKUP_TIMEOUT", 0.3)
        monkeypatch.setattr(outbound, "LOOKUPS", ThreadPoolExecutor(2))
        answered = threading.Event()

        def lookup(host: str, port: int) -> list[str]:
            if host.startswith("dead"):
                answered.wait(10)
            return ["127.0.0.1"]

        async def run() -> int:
            async with Client(lookup=lookup) as client:
                dead = [asyncio.create_task(client.fetch("GET", f"http://dead-{number}.example/")) for number in range(2)]
                await asyncio.sleep(0.05)
                with pytest.raises(Unreachable):
                    await client.fetch("GET", f"http://well.example:{trap.server_port}/")
                answered.set()
                await asyncio.gather(*dead, return_exceptions=True)
                return (await client.fetch("GET", f"http://well.example:{trap.server_port}/")).status

        assert asyncio.run(run()) == 200

    def test_answer_to_head_has_no_body(self, trap: Trap) -> None:
        def head(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()

        trap.script = head
        assert fetch(trap.url, "HEAD", timeout=2).body == b""

    def test_post_from_synchronous_code(self, trap: Trap) -> None:
        answer = post(trap.url, headers={"X-A": "1"}, body=b"{}")
        assert (answer.status, answer.body) == (200, b"ok")
        assert trap.headers[0]["x-a"] == "1"


class TestKeptConnections:
    """One connection serves request after request, and what happens to it while it is idle costs nobody an attempt."""

    def test_used_again(self, trap: Trap) -> None:
        peers = set()
        trap.script = lambda handler: (peers.add(handler.client_address), plain(handler, 200, b"ok"))[1]
        assert fetch_all([trap.url] * 3) == [200, 200, 200]
        assert len(peers) == 1

    def test_sent_once_more_if_closed_while_idle(self, trap: Trap) -> None:
        def close_on_second(handler: http.server.BaseHTTPRequestHandler) -> None:
            if len(trap.reached) == 2:
                handler.connection.shutdown(socket.SHUT_RDWR)
            else:
                plain(handler, 200, b"ok")

        trap.script = close_on_second
        assert fetch_all([trap.url] * 2) == [200, 200]
        assert len(trap.reached) == 3

    def test_not_sent_again_on_a_new_connection(self, trap: Trap) -> None:
        trap.script = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
        with pytest.raises(BrokenOff):
            fetch(trap.url)
        assert len(trap.reached) == 1

    def test_not_sent_again_once_it_has_begun_to_answer(self, trap: Trap) -> None:
        def break_off_second(handler: http.server.BaseHTTPRequestHandler) -> None:
            if len(trap.reached) == 1:
                plain(handler, 200, b"ok")
                return
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            handler.wfile.flush()
            handler.connection.shutdown(socket.SHUT_RDWR)

        trap.script = break_off_second
        with pytest.raises(BrokenOff):
            fetch_all([trap.url] * 2)
        assert len(trap.reached) == 2

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ],
        ids=["two answers to one", "more than its length", "closing", "old"],
    )
    def test_not_used_again_after(self, trap: Trap, answer: bytes) -> None:
        """What a server says beyond its answer is never taken for the answer to the next request."""
        peers = []

        def script(handler: http.server.BaseHTTPRequestHandler) -> None:
            peers.append(handler.client_address)
            handler.wfile.write(answer)

        trap.script = script
        assert fetch_all([trap.url] * 2) == [200, 200]
        assert len(set(peers)) == 2

    def test_line_break_in_a_header_is_never_sent(self, trap: Trap) -> None:
        with pytest.raises(ValueError, match="line break"):
            fetch(trap.url, headers={"X-A": "1\r\nHost: inner"})
        assert not trap.reached


def fetch_all(urls: list[str]) -> list[int]:
    """The statuses, one after the other by the same client."""

    async def run() -> list[int]:
        async with Client() as client:
            return [(await client.fetch("POST", url, body=b"{}")).status for url in urls]

    return asyncio.run(run())
