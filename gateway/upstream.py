"""Calls carried to Django: over its Unix socket, with the identity that the gateway signs, streamed both ways."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from urllib.parse import quote

import msgspec
from django.conf import settings

from core import problems
from core.identity import HEADER, Identity, sign
from gateway.calls import Call
from gateway.exchanges import BUFFERED, Headers
from gateway.http1 import Answer, Pool, Unreachable, unix
from gateway.paths import escaped
from gateway.pipeline import Admission
from gateway.replays import REPLAYED
from gateway.shelf import Kept, Shelf, ShelfFull
from gateway.wires import BrokenOff

TIMEOUT = 60.0
"""Seconds for which Django may keep us waiting, for its head and for each further part."""
LARGEST_BODY = 10 * 1024 * 1024
LARGEST_DOCUMENT = 20 * 1024 * 1024
# The form around a document's bytes.
_FORM = 64 * 1024
_DOCUMENTS = re.compile(r"/api/partner/v1/partner/documents\Z")

# RFC 9110, section 7.6.1; and what only the gateway may say.
HOP_BY_HOP = frozenset(
    {
        b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer",
        b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
OURS = frozenset(
    {
        b"content-length", b"expect", b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-port",
        b"x-forwarded-proto", b"x-real-ip", b"x-request-id", HEADER.encode(),
    }
)  # fmt: skip
SECRETS = frozenset({b"x-api-key", b"x-api-secret"})
_FROM_PAGES = HOP_BY_HOP | OURS
_FROM_CALLS = _FROM_PAGES | SECRETS
_FROM_CALLS_WITH_IDENTITY = _FROM_CALLS | {b"authorization"}
_FROM_ANSWERS = HOP_BY_HOP | {b"x-request-id"}
_SAFE = "/:@!$&'()*+,;=~-._"


class Body:
    """The request's body as it comes, counted and bounded."""

    def __init__(self, call: Call, limit: int) -> None:
        self._call = call
        self._limit = limit
        self.length = _declared(call)
        if self.length is not None and self.length > limit:
            raise problems.BodyTooLarge(limit=limit)
        self.is_empty = self.length == 0 or (self.length is None and b"transfer-encoding" not in call.fields)

    async def parts(self) -> AsyncIterator[bytes]:
        """Raises BodyTooLarge, and ClientGone if it breaks off."""
        while not self.is_empty and (part := await self._call.exchange.read()):
            self._call.bytes_in += len(part)
            if self._call.bytes_in > self._limit:
                raise problems.BodyTooLarge(limit=self._limit)
            yield part


def limit_of(path: str) -> int:
    """How many bytes a request's body may have."""
    return LARGEST_DOCUMENT + _FORM if _DOCUMENTS.match(path) else LARGEST_BODY


class Django:
    """The web processes of this installation."""

    def __init__(self, socket: str, shelf: Shelf) -> None:
        self._pool = Pool(unix(socket))
        self._shelf = shelf
        self._key = settings.IDENTITY_KEY.encode()

    def close(self) -> None:
        self._pool.close()

    async def carry(self, call: Call, admission: Admission, extra: bytes) -> int:
        """Forward an admitted call with its caller's identity, and pass the answer on. Returns the status."""
        body = Body(call, limit_of(call.path))
        headers = without(call.headers, _FROM_CALLS if admission.grant is None else _FROM_CALLS_WITH_IDENTITY)
        headers.append((HEADER.encode(), sign(self._identity(call, admission), self._key).encode()))
        target = quote(call.path, safe=_SAFE).encode() + (b"?" + call.query if call.query else b"")
        answer = await self._send(call, target, headers, body)
        call.is_carried = call.method != "POST" or REPLAYED not in answer.headers
        return await pass_on(call, answer, extra, self._shelf)

    async def pass_through(self, call: Call, forwarded: Headers, limit: int) -> int:
        """Forward a page's request as it is. `forwarded` are the forwarding headers that we vouch for."""
        headers = without(call.headers, _FROM_PAGES) + forwarded
        target = call.raw_path + (b"?" + call.query if call.query else b"")
        answer = await self._send(call, target, headers, Body(call, limit))
        return await pass_on(call, answer, None, self._shelf)

    async def _send(self, call: Call, target: bytes, headers: Headers, body: Body) -> Answer:
        if body.is_empty:
            return await self._ask(call, target, headers, body, b"")
        with Kept(self._shelf) as kept:  # Django has few threads: none waits for a slow client
            try:
                async for part in body.parts():
                    kept.put(part)
            except ShelfFull as error:
                raise problems.TemporarilyUnavailable(retry_after=10) from error
            body.length = kept.length
            content = kept.take() if kept.length <= BUFFERED else kept.parts()
            return await self._ask(call, target, headers, body, content)

    async def _ask(
        self, call: Call, target: bytes, headers: Headers, body: Body, content: bytes | AsyncIterator[bytes]
    ) -> Answer:
        if body.length is not None:
            headers.append((b"content-length", b"%d" % body.length))
        lines = [call.method.encode(), b" ", escaped(target), b" HTTP/1.1\r\n"]
        for name, value in headers:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"\r\n")
        repeatable = body.is_empty and call.method in {"GET", "HEAD", "OPTIONS"}
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._pool.send(b"".join(lines), content, bodiless=call.method == "HEAD", repeatable=repeatable)
        except (Unreachable, BrokenOff) as error:
            raise problems.TemporarilyUnavailable(retry_after=2) from error
        except TimeoutError as error:
            raise problems.UpstreamTimeout() from error

    def _identity(self, call: Call, admission: Admission) -> Identity:
        grant = admission.grant
        who = {} if grant is None else {
            "kind": grant.kind, "partner": grant.partner, "environment": grant.environment, "credential": grant.credential,
            "label": grant.label, "scopes": tuple(grant.scopes),
        }  # fmt: skip
        return Identity(
            call_id=call.id.hex,
            method=call.method,
            path=call.path,
            at=int(time.time()),
            address=call.address,
            client_request_id=call.client_request_id,
            **who,  # type: ignore[arg-type]  # the dict is of mixed types, as the fields are
        )


async def pass_on(call: Call, answer: Answer, extra: bytes | None, shelf: Shelf) -> int:
    """Send the answer to the client as it comes; what a slow one doesn't take at once is kept, and the server behind is free.

    `extra` are our header lines; None: a page, whose own request id stays. Raises BrokenOff if it can't be sent whole.
    """
    headers = without(answer.headers, HOP_BY_HOP if extra is None else _FROM_ANSWERS)
    is_problem = answer.status >= 400 and (b"content-type", problems.CONTENT_TYPE.encode()) in answer.headers
    exchange = call.exchange
    with Kept(shelf) as kept:
        try:
            exchange.start(answer.status, headers, extra or b"")
            while True:
                if answer.has_part:
                    part = await answer.chunk()
                else:
                    async with asyncio.timeout(TIMEOUT):
                        part = await answer.chunk()
                if is_problem:
                    call.code, is_problem = _code(part), False
                call.bytes_out += len(part)
                if not part or answer.is_exhausted:
                    break
                if not kept.is_empty or not exchange.offer(part):
                    kept.put(part)
                while not kept.is_empty and exchange.has_room:
                    exchange.offer(kept.take())
        except ShelfFull as error:
            raise BrokenOff("too many clients are slow to take their answers") from error
        finally:
            answer.close()
        async for late in kept.parts():
            await exchange.write(late)
        exchange.end(part)
    return answer.status


def _code(document: bytes) -> str:
    try:
        return str(msgspec.json.decode(document)["code"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""


def _declared(call: Call) -> int | None:
    text = call.fields.get(b"content-length")
    return int(text) if text is not None and text.isdigit() else None


def without(headers: Headers, dropped: frozenset[bytes]) -> Headers:
    """The headers but the dropped ones, and those that the message says are for one hop only."""
    if named := named_by_connection(headers):
        dropped |= named
    return [entry for entry in headers if entry[0] not in dropped]


def named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Headers that a message says are for one hop only (RFC 9110, section 7.6.1), in one `Connection` or in several."""
    named = [value for name, value in headers if name == b"connection"]
    if not named:
        return frozenset()
    return frozenset(part.strip().lower() for part in b",".join(named).split(b","))
