"""Rates as their counters keep them: GCRA, the leaky bucket as a meter (ITU-T I.371).

A rate of N a minute is a burst of N and then N/60 a second. Its counter is the instant (µs since 1970, by Redis' clock) at which
all N calls are back; a call moves it by an interval, and there is room while it stays within the span of N intervals. Intervals
are whole µs, rounded up, so that no rate lets through more than it says; beyond a million a minute that costs some percent.
"""

MINUTE = 60_000_000


def interval(limit: int) -> int:
    """µs between two calls."""
    return -(-MINUTE // limit)


def span(limit: int) -> int:
    """µs until all calls are back after a whole burst."""
    return limit * interval(limit)
