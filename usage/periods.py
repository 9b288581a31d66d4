"""Spans of time that usage is asked about: half-open, aware, in UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self

from core import clock


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` to before `end`."""

    start: datetime
    end: datetime

    @classmethod
    def month(cls, day: date) -> Self:
        """The calendar month (UTC) that a date or instant is in."""
        start = datetime(day.year, day.month, 1, tzinfo=UTC)
        return cls(start, (start + timedelta(days=32)).replace(day=1))

    @classmethod
    def this_month(cls) -> Self:
        """From the first of this month to its end."""
        return cls.month(clock.now())

    @classmethod
    def last(cls, span: timedelta) -> Self:
        """The `span` up to now."""
        return cls(clock.now() - span, clock.now())

    @classmethod
    def days(cls, count: int) -> Self:
        """The last `count` days (UTC), of which today is one and not over."""
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(today - timedelta(days=count - 1), today + timedelta(days=1))

    @property
    def length(self) -> timedelta:
        return self.end - self.start
