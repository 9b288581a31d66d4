"""How an upstream does, as one process sees it, and whether it is spared calls for a while because it fails."""

import time
from bisect import bisect_left
from collections.abc import Iterator

from core.health import BOUNDS, SPAN, SPANS, Seen
from core.problems import CircuitOpen

WINDOW = 10.0
"""Seconds: failures are counted in this window and the one before it."""
LEAST_CALLS = 20
SHARE = 0.5
"""An upstream that fails this share of at least LEAST_CALLS calls is left alone."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
"""Seconds; twice as long after each attempt that fails."""

CLOSED, OPEN, HALF_OPEN = "closed", "open", "half_open"


class Circuit:
    """A circuit breaker: closed while things work; open while calls are refused; half open while one call tries."""

    def __init__(self) -> None:
        self.state = CLOSED
        self.opened_at = 0.0
        """Unix seconds, of the failures that are going on."""
        self._pause = FIRST_PAUSE
        self._until = 0.0
        self._window = 0.0
        self._calls = self._failures = self._calls_before = self._failures_before = 0

    def admit(self, now: float) -> bool:
        """Let a call through, or raise CircuitOpen; True if it is the one that tries. `now` is the loop's time."""
        if self.state == CLOSED:
            return False
        if self.state == OPEN and now >= self._until:
            self.state = HALF_OPEN
            return True
        raise CircuitOpen(retry_after=max(1, round(self._until - now)))

    def abandon(self, now: float) -> None:
        """The call that tried ended without telling anything: the next one tries."""
        self.state, self._until = OPEN, now

    def succeed(self, now: float) -> bool:
        """A call was answered; True if that closed the circuit."""
        if self.state == HALF_OPEN:
            self.state, self._pause, self._window = CLOSED, FIRST_PAUSE, 0.0
            self._calls = self._failures = self._calls_before = self._failures_before = 0
            return True
        self._turn(now)
        self._calls += 1
        return False

    def fail(self, now: float) -> bool:
        """A call was not answered; True if that opened the circuit."""
        if self.state == HALF_OPEN:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self.state, self._until = OPEN, now + self._pause
            return False
        if self.state == OPEN:  # it had begun before
            return False
        self._turn(now)
        self._calls += 1
        self._failures += 1
        calls, failures = self._calls + self._calls_before, self._failures + self._failures_before
        if calls < LEAST_CALLS or failures < SHARE * calls:
            return False
        self.state, self._until, self.opened_at = OPEN, now + self._pause, time.time()
        return True

    def _turn(self, now: float) -> None:
        if now - self._window < WINDOW:
            return
        recent = now - self._window < 2 * WINDOW
        self._calls_before, self._failures_before = (self._calls, self._failures) if recent else (0, 0)
        self._calls = self._failures = 0
        self._window = now


class Budget:
    """Attempts beyond the first: at most a fifth of the calls, and a few where there are few."""

    def __init__(self) -> None:
        self._left = 5.0

    def earn(self) -> None:
        """A call is made."""
        self._left = min(self._left + 0.2, 50.0)

    def take(self) -> bool:
        """Whether there is one more attempt."""
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Health:
    """The last minutes of an upstream: calls, failures, and how long the heads of its answers took."""

    def __init__(self) -> None:
        self.last_success = 0.0
        self.last_failure = 0.0
        self.last_error = ""
        self.is_changed = False
        self._spans: dict[int, tuple[list[int], list[int]]] = {}

    def add(self, seconds: float, *, failed: bool) -> None:
        """A call's head has come, or it failed."""
        number = int(time.time() / SPAN)
        span = self._spans.get(number)
        if span is None:
            self._spans = {key: value for key, value in self._spans.items() if key > number - SPANS}
            span = self._spans[number] = ([0, 0], [0] * (len(BOUNDS) + 1))
        span[0][failed] += 1
        if not failed:
            span[1][bisect_left(BOUNDS, seconds)] += 1
        self.is_changed = True

    def seen(self, circuit: Circuit) -> Seen:
        """What this process tells of it."""
        oldest = int(time.time() / SPAN) - SPANS
        spans = [span for number, span in self._spans.items() if number > oldest]
        return Seen(
            at=time.time(),
            state=circuit.state,
            opened_at=circuit.opened_at if circuit.state != CLOSED else 0.0,
            succeeded=sum(counts[0] for counts, _ in spans),
            failed=sum(counts[1] for counts, _ in spans),
            latency=[sum(column) for column in _columns([latency for _, latency in spans])],
            last_success=self.last_success,
            last_failure=self.last_failure,
            last_error=self.last_error,
        )


def _columns(rows: list[list[int]]) -> Iterator[tuple[int, ...]]:
    return zip(*rows, strict=True) if rows else iter((0,) for _ in range(len(BOUNDS) + 1))
