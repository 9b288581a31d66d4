"""What happens to each request from its first byte to its record."""

import time
from itertools import chain
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from prometheus_client import CONTENT_TYPE_LATEST

from core import problems
from core.api.operations import operations
from gateway import answers, authorize, paths
from gateway.addresses import Addresses
from gateway.calls import Call, Headers, Receive, Send, readable
from gateway.changes import ChangeReader
from gateway.credentials import Credentials
from gateway.directory import Directory
from gateway.http1 import BrokenOff
from gateway.integrations import Integrations
from gateway.limits import Limits
from gateway.metering import Metering
from gateway.metrics import Metrics
from gateway.pipeline import Admission, Refused, admit
from gateway.pipelining import Redis
from gateway.routes import Routes
from gateway.table import Table
from gateway.threads import PostgresAway, Threads
from gateway.upstream import ClientGone, Django
from usage.records import CallRecord

log = structlog.get_logger(__name__)

LARGEST_PAGE_BODY = 21 * 1024 * 1024
LARGEST_HEADERS = 32 * 1024
LONGEST_USER_AGENT = 200
LONGEST_PATH_KEPT = 500


class Door:
    """The gateway of one process."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.addresses = Addresses(settings.TRUSTED_PROXIES)
        self.redis = Redis(settings.REDIS_URL)
        self.threads = Threads()
        self.credentials = Credentials(self.threads, self.metrics)
        self.metering = Metering(self.redis, self.metrics, Path(settings.HOME) / "spool")
        self.limits = Limits(self.redis, self.threads, self.metrics, self.metering.epoch_key, settings.ADDRESS_RATE)
        self.routes = Routes(self.threads)
        self.directory = Directory(Table(operations()), self.routes)
        self.changes = ChangeReader(self.threads, self.credentials, self.routes, self.metrics)
        self.django = Django(str(settings.WEB_SOCKET))
        self.integrations = Integrations(self.threads, self.metering)

    async def open(self) -> None:
        """Connect, and begin what runs in the background."""
        await self.redis.start()
        await self.metering.start()
        await self.integrations.start()
        self.changes.start()
        log.info("gateway_open", epoch=self.metering.epoch)

    async def close(self) -> None:
        """Send what is unsent and let go of everything."""
        await self.changes.stop()
        await self.metering.stop()
        self.django.close()
        await self.integrations.stop()
        await self.redis.stop()
        self.threads.stop()

    async def serve(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, to its end."""
        headers, fields = readable(scope["headers"])
        peer = (scope.get("client") or ("", 0))[0]
        address = self.addresses.client(peer, fields.get(b"x-forwarded-for", b""))
        call = Call(scope, receive, address, headers, fields)
        try:
            _require_bounds(headers, fields)
            if call.raw_path == b"/gateway/authorize":
                await self._authorize(call, send)
                return
            path = paths.plain(call.raw_path)
            if path.startswith("/gateway/"):
                await self._own(call, path, peer, send)
                return
            call.path = paths.canonical(call.method, path)
            if call.path.startswith(("/api/", "/apis/", "/.well-known/")) and await self._api(call, send):
                return
            await self.django.pass_through(call, send, self._forwarding(call, scope, peer), LARGEST_PAGE_BODY)
        except problems.Problem as problem:
            await answers.refuse(call, send, problem)
        except ClientGone:
            log.debug("client_gone", request_id=call.request_id)
        except BrokenOff as error:
            log.warning("answer_broken_off", request_id=call.request_id, error=str(error))
            raise

    async def _api(self, call: Call, send: Send) -> bool:
        """Serve a call of an API; False if the path is none's."""
        found = await self.directory.find(call)
        if found is None:
            return False
        if isinstance(found, problems.Problem):
            await self._refuse_unrouted(call, send, found)
            return True
        try:
            admission = await admit(call, found, self.credentials, self.routes, self.limits)
        except Refused as refused:
            await self._refused(call, send, refused)
            return True
        await self._carry(call, admission, send)
        return True

    async def _carry(self, call: Call, admission: Admission, send: Send) -> None:
        status = 499  # the client went away (nginx' convention)
        extra: Headers = [(b"x-request-id", call.request_id.encode()), *admission.verdict.headers()]
        upstream = self.integrations if admission.want.route else self.django
        try:
            status = await upstream.carry(call, admission, send, extra)
        except problems.Problem as problem:
            status = await answers.refuse(call, send, problem, admission.verdict.headers())
        except PostgresAway:
            status = await answers.refuse(call, send, problems.TemporarilyUnavailable(), admission.verdict.headers())
        finally:
            self._finished(call, admission.grant, status, metered=admission.is_metered)

    async def _refuse_unrouted(self, call: Call, send: Send, problem: problems.Problem) -> None:
        """A path or method that doesn't exist: counted like any call of a stranger, so that nobody scans for free."""
        if isinstance(problem, problems.MethodNotAllowed) and call.method == "OPTIONS":
            await answers.send(
                send, 204, [(b"allow", problem.headers["Allow"].encode()), (b"x-request-id", call.request_id.encode())]
            )
            return
        verdict = await self.limits.take_address(call.address)
        try:
            verdict.require_room()
        except problems.Problem as limited:
            await self._refused(call, send, Refused(limited, verdict=verdict))
            return
        await self._refused(call, send, Refused(problem))

    async def _refused(self, call: Call, send: Send, refused: Refused) -> None:
        extra = refused.verdict.headers() if refused.verdict else []
        status = await answers.refuse(call, send, refused.problem, extra)
        self._finished(call, refused.grant, status, metered=False)

    async def _own(self, call: Call, path: str, peer: str, send: Send) -> None:
        if path == "/gateway/metrics" and self._may_see_metrics(call, peer):
            self.metrics.redis_away = 0 if self.redis.connected else 1
            await answers.send(send, 200, [(b"content-type", CONTENT_TYPE_LATEST.encode())], self.metrics.exposition())
        else:
            raise problems.NotFound()

    async def _authorize(self, call: Call, send: Send) -> None:
        asked = authorize.Asked(call)
        try:
            want = await asked.want(call, self.directory)
            admission = await admit(call, want, self.credentials, self.routes, self.limits)
        except Refused as refused:
            extra = refused.verdict.headers() if refused.verdict else []
            status = await authorize.answer_refused(call, refused.problem, asked.style, send, extra)
            self._finished(call, refused.grant, status, metered=False)
            return
        except problems.Problem as problem:
            status = await authorize.answer_refused(call, problem, asked.style, send, [])
            self._finished(call, None, status, metered=False)
            return
        status = await authorize.answer_admitted(call, admission, send)
        self._finished(call, admission.grant, status, metered=admission.is_metered)

    def _may_see_metrics(self, call: Call, peer: str) -> bool:
        if settings.METRICS_TOKEN:
            return constant_time_compare(call.header(b"authorization"), f"Bearer {settings.METRICS_TOKEN}")
        return call.address in {"127.0.0.1", "::1"} and b"x-forwarded-for" not in call.fields

    def _forwarding(self, call: Call, scope: dict[str, Any], peer: str) -> Headers:
        """What Django may believe about the client of a page: one address, and the scheme that it used."""
        scheme = scope["scheme"]
        if self.addresses.trusts(peer) and call.header(b"x-forwarded-proto") in {"http", "https"}:
            scheme = call.header(b"x-forwarded-proto")
        return [(b"x-forwarded-for", call.address.encode()), (b"x-forwarded-proto", scheme.encode())]

    def _finished(self, call: Call, grant: Any, status: int, *, metered: bool) -> None:
        latency = time.perf_counter_ns() - call.began
        self.metrics.decisions[call.code or "admitted"] += 1
        self.metrics.took(latency / 1e9)
        self.metering.add(
            CallRecord(
                call=call.id.bytes,
                at=call.at,
                partner=grant.partner_bytes if grant else None,
                environment=grant.environment if grant else "",
                credential=grant.credential_bytes if grant else None,
                operation=call.operation_name,
                target=call.target,
                method=call.method[:16],
                path=call.path[:LONGEST_PATH_KEPT],
                status=status,
                code=call.code,
                latency_us=latency // 1000,
                bytes_in=call.bytes_in,
                bytes_out=call.bytes_out,
                address=call.address,
                user_agent=call.header(b"user-agent")[:LONGEST_USER_AGENT],
                client_request_id=call.client_request_id,
                metered=metered,
            )
        )


def _require_bounds(headers: Headers, fields: dict[bytes, bytes]) -> None:
    """Raises MalformedRequest for more headers than anybody needs, and for what we don't speak."""
    if sum(map(len, chain.from_iterable(headers))) > LARGEST_HEADERS:
        raise problems.MalformedRequest(_("The request's headers are larger than 32 KiB. Send fewer."))
    if b"upgrade" in fields and fields[b"upgrade"].lower() == b"websocket":
        raise problems.MalformedRequest(_("WebSockets aren't served here. Use plain requests and webhooks."))
