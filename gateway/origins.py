"""The upstreams that this process carries calls to: connections, circuit and health of each."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import hiredis
import structlog
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from core import health
from core.outbound import Dialer, Refused, TooSlow
from core.outbound import Unreachable as NotReached
from core.problems import TemporarilyUnavailable, UpstreamTimeout, UpstreamUnavailable
from core.upstreams import Route, Upstream
from gateway.circuits import CLOSED, Budget, Circuit, Health
from gateway.forwarding import Base
from gateway.http1 import Answer, Busy, Pool
from gateway.metrics import Metrics
from gateway.pipelining import Redis, RedisAway
from gateway.wires import BrokenOff, Connection, Content, Patience, TimeUp

log = structlog.get_logger(__name__)

TICK = 0.25
PUBLISHED_EVERY = 2.0
FORGOTTEN_AFTER = 600.0
FAILURES = frozenset({502, 503, 504})
"""What servers in front of a dead one say; any other answer is one."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSent(UpstreamUnavailable):
    """The upstream was not reached at all."""


class NotSentInTime(UpstreamTimeout):
    """Nor was it within its time."""


class UpstreamBusy(TemporarilyUnavailable):
    detail = _("The API behind this address has as many calls to answer as it may. Try again as Retry-After says.")


class Origin:
    """One upstream. `key` names it where processes tell of it."""

    def __init__(self, key: str, upstream: Upstream, dialer: Dialer, metrics: Metrics) -> None:
        self.key = key
        self.upstream = upstream
        self.base = Base(upstream)
        self.circuit = Circuit()
        self.health = Health()
        self.used_at = 0.0
        self._budget = Budget()
        self._dialer = dialer
        self._metrics = metrics
        patience = Patience(upstream.head_timeout, upstream.idle_timeout)
        most, queue = settings.UPSTREAM_CONNECTIONS, upstream.connect_timeout
        self.pool = Pool(self._connect, most=most, patience=patience, queue=queue)

    async def send(
        self, method: str, head: bytes, body: Content, *, upgrade: bool = False, begin: Callable[[], None] | None = None
    ) -> Answer:
        """Send a request, and return the answer once its head is there; `begin` is called before anything reaches the upstream.

        Raises CircuitOpen, UpstreamBusy, NotSent, NotSentInTime, UpstreamUnavailable, UpstreamTimeout, and what is wrong with the
        body.
        """
        pool, circuit = self.pool, self.circuit
        self.used_at = began = time.monotonic()
        is_trial = circuit.state != CLOSED and circuit.admit(pool.now)
        self._budget.earn()
        is_safe = method in SAFE and not body
        tries = 1 + self.upstream.retries if is_safe and not is_trial else 1
        has_told = False
        try:
            while True:
                tries -= 1
                try:
                    answer = await pool.send(
                        head, body, bodiless=method == "HEAD", repeatable=is_safe, duplex=True, upgrade=upgrade, begin=begin
                    )
                    break
                except Busy as error:
                    raise UpstreamBusy(retry_after=1) from error
                except (NotReached, Refused, BrokenOff) as error:
                    if tries > 0 and not isinstance(error, Refused | TooSlow | TimeUp) and self._budget.take():
                        continue
                    has_told = True
                    raise self._failed(error) from error
            has_told = True
        finally:
            if is_trial and not has_told:
                circuit.abandon(pool.now)
        if not (200 <= answer.status <= 599 or answer.status == 101):
            answer.close()
            raise self._failed(BrokenOff(f"it answered with status {answer.status}"))
        if answer.status in FAILURES:
            self._note_failure(str(_("It answered with status {status}.")).format(status=answer.status))
        else:
            self._note_success(time.monotonic() - began)
        return answer

    def broke_off(self, error: BrokenOff) -> None:
        """An answer did not come to its end."""
        self._note_failure(_said(error))

    async def _connect(self) -> Connection:
        return await self._dialer.connect(
            Connection, self.base.origin, seconds=self.upstream.connect_timeout, private=self.upstream.private
        )

    def _failed(self, error: Exception) -> Exception:
        self._note_failure(_said(error))
        match error:
            case TooSlow():
                return NotSentInTime()
            case TimeUp():
                return UpstreamTimeout()
            case Refused() | NotReached():
                return NotSent()
        return UpstreamUnavailable()

    def _note_success(self, seconds: float) -> None:
        self.health.add(seconds, failed=False)
        self.health.last_success = time.time()
        if self.circuit.succeed(self.pool.now):
            log.info("circuit_closed", upstream=self.key)
            self._metrics.circuits["closed"] += 1

    def _note_failure(self, reason: str) -> None:
        self.health.add(0.0, failed=True)
        self.health.last_failure, self.health.last_error = time.time(), reason
        if self.circuit.fail(self.pool.now):
            log.warning("circuit_opened", upstream=self.key, reason=reason)
            self._metrics.circuits["opened"] += 1


class Origins:
    """All of them, and what looks after them."""

    def __init__(self, redis: Redis, metrics: Metrics, epoch: str) -> None:
        self._redis = redis
        self._metrics = metrics
        self._epoch = epoch
        self._dialer = Dialer()
        self._known: dict[str, Origin] = {}
        self._retired: list[Origin] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look after them."""
        self._tasks = [
            asyncio.create_task(_repeat(self._tick, TICK)),
            asyncio.create_task(_repeat(self._publish, PUBLISHED_EVERY)),
        ]

    async def stop(self) -> None:
        """Close every connection that is kept."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for origin in self._known.values():
            origin.pool.close()

    def of(self, route: Route, environment: str) -> Origin:
        """Where calls of an environment to a route go."""
        upstream = route.upstream_of(environment)
        key = route.id if upstream is route.upstream else f"{route.id}:test"
        origin = self._known.get(key)
        if origin is None or (origin.upstream is not upstream and origin.upstream != upstream):
            if origin is not None:
                self._retired.append(origin)
            origin = self._known[key] = Origin(key, upstream, self._dialer, self._metrics)
            origin.pool.now = asyncio.get_running_loop().time()
        return origin

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time()
        for origin in [*self._known.values(), *self._retired]:
            origin.pool.tick(now)
        if self._retired:
            self._retired = [origin for origin in self._retired if origin.pool.is_used]

    async def _publish(self) -> None:
        oldest = time.monotonic() - FORGOTTEN_AFTER
        sent = []
        for key, origin in list(self._known.items()):
            told, is_closed = origin.health, origin.circuit.state == CLOSED
            if told.is_changed or not is_closed:
                told.is_changed = False
                name = health.KEY.format(key)
                sent.append(self._redis.send("HSET", name, self._epoch, health.packed(told.seen(origin.circuit))))
                sent.append(self._redis.send("EXPIRE", name, health.KEPT))
                if not is_closed:
                    sent.append(self._redis.send("SADD", health.OPEN, key))
            elif origin.used_at < oldest and not origin.pool.is_used:
                del self._known[key]
        await asyncio.gather(*sent)
        self._metrics.open_circuits = sum(origin.circuit.state != CLOSED for origin in self._known.values())


async def _repeat(work: Callable[[], Awaitable[None]], seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (RedisAway, hiredis.HiredisError):
            log.debug("health_not_published")
        except Exception:  # whatever it is: nobody else would look at deadlines
            log.exception("upstreams_not_looked_after")


def _said(error: Exception) -> str:
    """What went wrong, in words for the upstream's owner."""
    match error:
        case Refused() | NotReached():
            return error.reason
        case TimeUp():
            return str(_("It did not answer in time."))
    return str(_("It broke off its answer: {reason}.")).format(reason=error)
