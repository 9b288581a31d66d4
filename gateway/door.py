"""What happens to each request from its first byte to its record."""

import asyncio
import time
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy as _
from prometheus_client import CONTENT_TYPE_LATEST

from apikeys.snapshots import Grant
from core import problems
from gateway import answers, authorize, paths
from gateway.addresses import Addresses
from gateway.apis import Apis
from gateway.blocklist import BlockList
from gateway.bodies import Bodies
from gateway.calls import Call, readable
from gateway.changes import ChangeReader
from gateway.credentials import Credentials, read_credential
from gateway.crowd import Crowd
from gateway.directory import Directory
from gateway.exchanges import ClientGone, Exchange, Headers
from gateway.guesses import Guesses
from gateway.limits import Limits
from gateway.metering import Metering
from gateway.metrics import Metrics
from gateway.monitor import Monitor
from gateway.pipeline import Admission, Refused, admit, still_admits, take_stranger
from gateway.pipelining import Redis
from gateway.routes import Routes
from gateway.shelf import Shelf
from gateway.table import Table
from gateway.threads import PostgresAway, Threads
from gateway.tunnels import is_asked_for
from gateway.upstream import Django
from gateway.wires import BrokenOff
from usage.records import CallRecord

log = structlog.get_logger(__name__)

LARGEST_PAGE_BODY = 21 * 1024 * 1024
LONGEST_USER_AGENT = 200
LONGEST_PATH_KEPT = 500

_NOBODY = (None, "", None)


class Door:
    """The gateway of one process. `table` has the operations of the API."""

    def __init__(self, table: Table) -> None:
        self.metrics = Metrics()
        self.addresses = Addresses(settings.TRUSTED_PROXIES)
        self.crowd = Crowd(settings.ADDRESS_CONNECTIONS, self.addresses.trusts)
        self.metrics.refused_connections = self.crowd.refused
        self.redis = Redis(settings.REDIS_URL)
        self.threads = Threads()
        self.credentials = Credentials(self.threads, self.metrics)
        self.bodies = Bodies(self.redis)
        self.metering = Metering(self.redis, self.metrics, Path(settings.HOME) / "spool")
        self.monitor = Monitor(self.redis, self.metrics, self.metering.epoch)
        self.limits = Limits(
            self.redis, self.threads, self.metrics, self.metering.epoch_key, settings.ADDRESS_RATE, settings.GUESS_RATE
        )
        self.guesses = Guesses(self.limits, self.credentials)
        self.blocks = BlockList(self.threads)
        self.routes = Routes(self.threads)
        self.directory = Directory(table, self.routes)
        self.changes = ChangeReader(self.threads, self.credentials, self.routes, self.blocks, self.metrics)
        self.django = Django(str(settings.WEB_SOCKET), Shelf())
        self.apis = Apis(self.threads, self.redis, self.metering, self.metrics, self._still_admits)
        self.changes.on_change = self.apis.lastings.review

    async def open(self) -> None:
        """Connect, and begin what runs in the background."""
        await self.redis.start()
        await self.metering.start()
        self.bodies.start()
        await self.blocks.open()
        self.apis.start()
        self.changes.start()
        self.limits.start()
        self.monitor.start()
        log.info("gateway_open", epoch=self.metering.epoch)

    async def close(self) -> None:
        """Send what is unsent and let go of everything."""
        await self.monitor.stop()
        await self.changes.stop()
        await self.limits.stop()
        await self.bodies.stop()
        await self.metering.stop()
        self.django.close()
        await self.apis.stop()
        await self.redis.stop()
        self.threads.stop()

    async def serve(self, exchange: Exchange) -> None:
        """One request, to its end."""
        headers, fields = readable(exchange.headers, exchange.fields)
        call = Call(exchange, self.addresses.client(exchange.peer, fields.get(b"x-forwarded-for", b"")), headers, fields)
        if not self.blocks.is_empty and self.blocks.has(call.address):
            self._refuse_blocked(call)
            return
        try:
            if b"upgrade" in fields and is_asked_for(call) and not call.raw_path.startswith(b"/apis/"):
                raise problems.MalformedRequest(_("WebSockets aren't served here. Use plain requests and webhooks."))
            if call.raw_path == authorize.PATH or call.raw_path.startswith(authorize.BELOW):
                await self._authorize(call)
                return
            try:
                call.path = paths.read(call.method, call.raw_path)
            except paths.AmbiguousPath as problem:
                await self._refuse_unrouted(call, problem)
                return
            if call.path.startswith("/gateway/"):
                await self._own(call)
                return
            if call.path.startswith(("/api/", "/apis/", "/.well-known/")) and await self._api(call):
                return
            exchange.follow_client()
            await self.django.pass_through(call, self._forwarding(call), LARGEST_PAGE_BODY)
        except problems.Problem as problem:
            answers.refuse(call, problem)
        except BrokenOff as error:
            log.warning("answer_broken_off", request_id=call.request_id, error=str(error))
            raise

    async def _api(self, call: Call) -> bool:
        """Serve a call of an API; False if the path is none's."""
        found = await self.directory.find(call)
        if found is None:
            return False
        if isinstance(found, problems.Problem):
            await self._refuse_unrouted(call, found)
            return True
        try:
            admission = await admit(call, found, self.credentials, self.routes, self.limits, self.guesses, place=call.id.bytes)
        except Refused as refused:
            self._refused(call, refused)
            return True
        await self._carry(call, admission)
        return True

    async def _carry(self, call: Call, admission: Admission) -> None:
        status = 500
        extra = call.id_line + admission.verdict.lines()
        upstream = self.apis if admission.want.route else self.django
        grant = admission.grant
        watched = grant is not None and grant.keeps_bodies and self.bodies.watch(call)
        try:
            call.exchange.follow_client()
            status = await upstream.carry(call, admission, extra)
        except problems.Problem as problem:
            status = answers.refuse(call, problem, admission.verdict.lines())
        except PostgresAway:
            status = answers.refuse(call, problems.TemporarilyUnavailable(), admission.verdict.lines())
        except (ClientGone, asyncio.CancelledError):
            status = 499  # the client went away (nginx' convention)
            raise
        except BrokenOff:  # after its head had been passed on
            status = problems.UpstreamUnavailable.status
            raise
        finally:
            self.limits.places.release(call.id.bytes)
            metered = admission.is_metered
            if not call.is_carried and metered and grant is not None:
                self.limits.uncount(grant, admission.verdict)
                metered = False
            if watched and grant is not None:
                self.bodies.finished(call, grant.caller[0], status)
            self._finished(call, grant, status, metered=metered)

    async def _still_admits(self, call: Call, admission: Admission) -> bool:
        return not self.blocks.has(call.address) and await still_admits(call, admission, self.credentials, self.routes)

    async def _refuse_unrouted(self, call: Call, problem: problems.Problem) -> None:
        """What asks for nothing that is there."""
        if isinstance(problem, problems.MethodNotAllowed) and call.method == "OPTIONS":
            call.exchange.answer(204, f"allow: {problem.headers['Allow']}\r\n".encode() + call.id_line)
            return
        self._refused(call, await self._unrouted(call, problem))

    async def _unrouted(self, call: Call, problem: problems.Problem) -> Refused:
        """A path or method that doesn't exist: counted like any call of a stranger, so that nobody scans for free, and noted
        with the key that came with it."""
        try:
            await take_stranger(call, self.limits)
        except Refused as limited:
            return limited
        return Refused(problem, self._sender(call))

    def _sender(self, call: Call) -> Grant | None:
        """Whose call it is, as far as that is known without a look outside."""
        try:
            credential = read_credential(call)
        except problems.Problem:
            return None
        snapshot = self.credentials.known(credential) if credential else None
        return snapshot.grant if snapshot is not None and snapshot.grant.is_unconditional else None

    def _refuse_blocked(self, call: Call) -> None:
        """Nothing is served to them, and nothing written down but their number."""
        problem = problems.AddressBlocked(address=call.address)
        if call.raw_path == authorize.PATH or call.raw_path.startswith(authorize.BELOW):
            authorize.answer_refused(call, problem, authorize.Asked(call).style, b"")
        else:
            answers.refuse(call, problem)
        self.metrics.finished(problem.code, (time.perf_counter_ns() - call.began) / 1e9)

    def _refused(self, call: Call, refused: Refused) -> None:
        extra = refused.verdict.lines() if refused.verdict else b""
        status = answers.refuse(call, refused.problem, extra)
        self._finished(call, refused.grant, status, metered=False)

    async def _own(self, call: Call) -> None:
        if call.path != "/gateway/metrics":
            await self._refuse_unrouted(call, problems.NotFound())
        elif self._may_see_metrics(call):
            call.exchange.answer(200, f"content-type: {CONTENT_TYPE_LATEST}\r\n".encode(), await self.monitor.exposition())
        else:
            try:
                await self.guesses.take(call.address)
            except problems.RateLimited as limited:
                self._refused(call, Refused(limited))
            else:
                self._refused(call, Refused(problems.NotFound()))

    async def _authorize(self, call: Call) -> None:
        asked = authorize.Asked(call)
        try:
            want = await asked.want(call, self.directory)
            admission = await admit(call, want, self.credentials, self.routes, self.limits, self.guesses)
        except Refused as problem:
            refused = problem
        except problems.Problem as problem:
            refused = await self._unrouted(call, problem)
        else:
            status = authorize.answer_admitted(call, admission, asked.style)
            self._finished(call, admission.grant, status, metered=admission.is_metered)
            return
        extra = refused.verdict.lines() if refused.verdict else b""
        status = authorize.answer_refused(call, refused.problem, asked.style, extra)
        self._finished(call, refused.grant, status, metered=False)

    def _may_see_metrics(self, call: Call) -> bool:
        if settings.METRICS_TOKEN:
            return constant_time_compare(call.header(b"authorization"), f"Bearer {settings.METRICS_TOKEN}")
        return call.address in {"127.0.0.1", "::1"} and b"x-forwarded-for" not in call.fields

    def _forwarding(self, call: Call) -> Headers:
        """What Django may believe about the client of a page: one address, and the scheme that it used."""
        scheme = "http"
        if self.addresses.trusts(call.exchange.peer) and call.header(b"x-forwarded-proto") in {"http", "https"}:
            scheme = call.header(b"x-forwarded-proto")
        return [(b"x-forwarded-for", call.address.encode()), (b"x-forwarded-proto", scheme.encode())]

    def _finished(self, call: Call, grant: Any, status: int, *, metered: bool) -> None:
        latency = time.perf_counter_ns() - call.began
        self.metrics.finished(call.code or "admitted", latency / 1e9)
        if grant is None and call.code == problems.RateLimited.code:  # a flood is a number, not a row for each drop
            return
        partner, environment, credential = _NOBODY if grant is None else grant.caller
        fields = call.fields
        self.metering.add(
            CallRecord(
                call.id.bytes,
                call.at,
                partner,
                environment,
                credential,
                call.operation_name,
                call.target,
                call.method[:16],
                call.path[:LONGEST_PATH_KEPT],
                status,
                call.code,
                latency // 1000,
                call.bytes_in,
                call.bytes_out,
                call.address,
                call.header(b"user-agent")[:LONGEST_USER_AGENT] if b"user-agent" in fields else "",
                call.client_request_id if b"x-request-id" in fields else "",
                metered,
            )
        )
