"""The connections of the gateway's server: llhttp (httptools) parses what comes, one task serves each client's requests."""

import asyncio
import contextlib
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any

import httptools
import structlog

from core import ids, problems
from gateway.exchanges import BUFFERED, ClientGone, Exchange, Headers, lines, rendered
from gateway.heads import LARGEST_HEAD, METHODS, MOST_HEADERS, HeadTooLarge, origin_form, problem_of, without_offer
from gateway.wires import BrokenOff

if TYPE_CHECKING:
    from gateway.server import Server

log = structlog.get_logger(__name__)

READ_AT_ONCE = 16 * 1024  # bytes; what a client sends ahead of its answers is held to this
# Seconds: for a request's head, for each further part of its body, between requests, for a client that doesn't take its
# answer, and for what it still sends after an answer that didn't wait for it.
HEAD_TIMEOUT, BODY_TIMEOUT, IDLE_TIMEOUT, WRITE_TIMEOUT, LINGER = 20.0, 60.0, 75.0, 120.0, 5.0
LONGEST_LINGER, MOST_LINGERED = 30.0, 32 * 1024 * 1024
NEVER = float("inf")


class Connection(asyncio.BufferedProtocol):
    """One client: its requests, which are served one after the other by one task.

    A client that ends its side is taken for gone, as nginx does.
    """

    def __init__(self, server: "Server", peer: str = "") -> None:
        self.server = server
        self.loop = server.loop
        self.deadline = server.now + HEAD_TIMEOUT
        self.write_deadline = NEVER
        self.peer = peer
        self.is_gone = False
        self.task: asyncio.Task[None] | None = None
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._is_paused = self._in_head = False
        self._headers: Headers = []
        self._url = self._again = b""
        self._unframed = 0
        self._outgoing: list[bytes] = []
        self._waiting: deque[Exchange] = deque()
        self._current: Exchange | None = None
        self._receiving: Exchange | None = None
        self._refusal: problems.Problem | None = None
        self._deaf_until = NEVER
        self._held: bytes | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None

    # --- of the transport ---
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if not self.peer:
            self.peer = peer[0] if isinstance(peer := transport.get_extra_info("peername"), tuple) else ""
        self._transport.set_write_buffer_limits(high=BUFFERED)
        if self.server.is_closing or not self.server.crowd.enter(self.peer):
            self._transport.abort()
            return
        self.server.connections.add(self)
        self.task = self.loop.create_task(self._run())

    def connection_lost(self, error: Exception | None) -> None:
        self.is_gone = True
        self._parser = None  # which refers to this connection, too
        if self in self.server.connections:
            self.server.connections.remove(self)
            self.server.crowd.leave(self.peer)
        self.resume_writing()
        self.wake()
        if self._current is not None:
            self._current.wake()
            if self._current.follows_client and self.task is not None:
                self.task.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.server.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._receive(self.server.buffer[:nbytes])

    def _receive(self, data: memoryview | bytes) -> None:
        self._unframed += len(data)
        if self._deaf_until != NEVER:
            if self._current is None:
                self.deadline = min(self.server.now + LINGER, self._deaf_until)
            if self._unframed > MOST_LINGERED:
                self.abort()
            return
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:  # it may be taken up; else it is answered as it stands (RFC 9110, 7.8)
            self._parser = httptools.HttpRequestParser(self)
            rest, again, self._again = bytes(data[upgrade.args[0] :]), self._again, b""
            if again:
                rest = again + rest
            else:
                self._held, rest = rest, b""
                self._pause()
        except httptools.HttpParserError as error:
            self._refuse(problem_of(error))
            return
        if self._unframed > LARGEST_HEAD and (self._in_head or self._receiving is not None):
            self._refuse(HeadTooLarge())
        elif rest:
            self._receive(rest)

    def pause_writing(self) -> None:
        self._writable = self.loop.create_future()
        self.write_deadline = self.server.now + WRITE_TIMEOUT

    def resume_writing(self) -> None:
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None
            self.write_deadline = NEVER

    # --- of the parser ---
    def on_message_begin(self) -> None:
        self._in_head = True
        self._unframed = 0
        self._url = b""
        self._headers = []
        if self._current is None:
            self.deadline = self.server.now + HEAD_TIMEOUT

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser, headers, url = self._parser, self._headers, self._url
        self._headers = []  # trailers are nobody's
        self._in_head = False
        # What came with its first byte is not in `_unframed`.
        is_large = (
            self._unframed > LARGEST_HEAD - READ_AT_ONCE and len(url) + sum(map(len, chain.from_iterable(headers))) > LARGEST_HEAD
        )
        if is_large or len(headers) > MOST_HEADERS:
            raise HeadTooLarge()
        fields = dict(headers)
        version = parser.get_http_version()
        if len(fields) != len(headers) or b"host" not in fields:
            hosts = [name for name, _value in headers].count(b"host")
            if hosts > 1 or (not hosts and version == "1.1"):
                raise ValueError("it wants one Host header")
        if url[:1] != b"/":
            url = origin_form(url)
        if b"#" in url:  # one server drops it, another takes it for a part of the path
            raise ValueError("its target has a fragment")
        if (b"content-length" in fields or b"transfer-encoding" in fields) and parser.should_upgrade():
            self._again = without_offer(parser.get_method(), url, version, headers)
            return
        method = parser.get_method()
        exchange = Exchange(
            self, METHODS.get(method) or method.decode("latin-1"), url, version, headers, fields, parser.should_keep_alive()
        )
        self._receiving = exchange
        self._waiting.append(exchange)
        if self._current is not None or len(self._waiting) > 1:
            self._pause()
        elif self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def on_body(self, body: bytes) -> None:
        self._unframed = 0
        receiving = self._receiving
        if receiving is not None and receiving.feed(body):
            self._pause()
            self.deadline = NEVER
        elif self._current is None or self._current is receiving:
            self.deadline = self.server.now + BODY_TIMEOUT

    def on_message_complete(self) -> None:
        if self._receiving is not None:
            self._receiving.is_received = True
            self._receiving.wake()
            self._receiving = None
            self.deadline = NEVER

    # --- of the exchanges ---
    def write(self, data: bytes) -> None:
        """Send it, if there is still somebody to send it to."""
        if not self._outgoing:
            self.server.send_soon(self)
        self._outgoing.append(data)

    def flush(self) -> None:
        """Send what was written."""
        if self._outgoing:
            data = b"".join(self._outgoing)
            self._outgoing.clear()
            if not self.is_gone:
                self._transport.write(data)

    @property
    def is_behind(self) -> bool:
        """Whether the client is slow to take what was sent."""
        return self._writable is not None

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was written. Raises ClientGone."""
        self.flush()
        if self._writable is not None:
            await self._writable
        if self.is_gone:
            raise ClientGone

    def want_more(self) -> None:
        """What was read of a body has been taken."""
        if not self.is_gone and self._receiving is self._current:
            self.deadline = self.server.now + BODY_TIMEOUT
            self._resume()

    def wake(self) -> None:
        """Something has changed for a connection that may be idle."""
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def hand_over(self) -> tuple[Any, bytes]:
        """Its transport, which isn't read, for another protocol, and what has come for that; `connection_lost` is still to be
        called."""
        self.flush()
        self.deadline = self.write_deadline = NEVER
        held, self._held = self._held, None
        return self._transport, held or b""

    def abort(self) -> None:
        """Close it now, whatever was under way."""
        self._transport.abort()

    def expire(self) -> None:
        """Its time is over."""
        if self._in_head and self._current is None and self._deaf_until == NEVER:
            self._refuse(problems.RequestTimeout())
        else:
            self.abort()

    async def _run(self) -> None:
        serve, waiting = self.server.serve, self._waiting
        try:
            while not self.is_gone:
                if not waiting:
                    if self._refusal is not None or self.server.is_closing:
                        break
                    self._arrival = self.loop.create_future()
                    await self._arrival
                    continue
                exchange = self._current = waiting.popleft()
                try:
                    await serve(exchange)
                    exchange.require_end()
                    if self._writable is not None:  # nobody is served on who doesn't take the answers
                        await self.drain()
                except (ClientGone, BrokenOff) as error:
                    log.debug("answer_cut_off", path=exchange.raw_path.decode("latin-1"), reason=type(error).__name__)
                    exchange.break_off()
                except Exception:
                    log.exception("request_failed", path=exchange.raw_path.decode("latin-1"))
                    exchange.fail()
                self._current = None
                if not self._goes_on(exchange):
                    return
            self._bid_farewell()
        except BaseException:
            self.abort()
            raise

    def _goes_on(self, exchange: Exchange) -> bool:
        """Whether an exchange that has ended leaves the connection to the next."""
        if self.is_gone:
            return False
        if not exchange.is_received:
            self._linger()
            return False
        if not exchange.keeps_alive:
            self._end()
            return False
        if self._held is not None:
            held, self._held = self._held, None
            self._receive(held)
        if not self._waiting:
            self.deadline = self.server.now + (HEAD_TIMEOUT if self._in_head else IDLE_TIMEOUT)
            self._resume()
        elif self._receiving is self._waiting[0]:
            self.deadline = self.server.now + BODY_TIMEOUT
            self._resume()
        return True

    def _bid_farewell(self) -> None:
        """Answer what is no request, if that is why this is the end; nothing after it can be read."""
        if self.is_gone or self._refusal is None:
            self._end()
            return
        headers, body = rendered(self._refusal, ids.encode("call", ids.new()))
        exchange = Exchange(self, "GET", b"/", "1.1", [], {}, keeps_alive=False)
        exchange.answer(self._refusal.status, lines(headers), body)
        self._linger()

    def _refuse(self, problem: problems.Problem) -> None:
        """What came is no request, or no body of one. What was asked before it is answered first."""
        self._deaf_until = self.server.now + LONGEST_LINGER
        self._unframed = 0
        if self._receiving is not None:
            self._receiving.spoil(problem)
        self._refusal = problem
        self.deadline = NEVER
        self.wake()

    def _end(self) -> None:
        """Close it, once the client has taken its last answer."""
        self.deadline = self.server.now + WRITE_TIMEOUT
        self.flush()
        self._transport.close()

    def _linger(self) -> None:
        """The client is still sending: a close now would reset the connection under the answer (RFC 9112, section 9.6)."""
        self._deaf_until = self.server.now + LONGEST_LINGER
        self._unframed = 0
        self._receiving = None
        self.deadline = self.server.now + LINGER
        self.flush()
        with contextlib.suppress(OSError, RuntimeError):
            self._transport.write_eof()
            self._resume()

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()
