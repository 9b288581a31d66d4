"""Numbers over time, as a page draws them: `<c-chart>` plots them and always shows the same numbers as a table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its label, a value (or None for a gap) for each instant, and which of the theme's colours it has."""

    label: str
    values: Sequence[Number | None]
    tone: Literal["accent", "good", "warn", "bad", "info"] = "accent"


@dataclass(frozen=True, slots=True)
class Spark:
    """Numbers at equal distances, drawn small beside their sum: `<c-spark>`."""

    values: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.values)

    @property
    def width(self) -> int:
        """Of the picture that `path` is drawn in; it is 16 high."""
        return 4 * len(self.values)

    @property
    def path(self) -> str:
        """A bar for each value, as SVG draws paths; one that isn't 0 can be seen."""
        most = max(self.values, default=0) or 1
        heights = (max(2.0, round(16 * value / most, 1)) if value else 0.5 for value in self.values)
        return "".join(f"M{4 * place} 16v-{height:g}h3v{height:g}z" for place, height in enumerate(heights))


@dataclass(frozen=True, slots=True)
class Chart:
    """Series over the same instants. `unit` is written after the numbers of the axis (`ms`, `%`)."""

    at: Sequence[datetime]
    series: Sequence[Series]
    kind: Literal["line", "bars"] = "line"
    unit: str = ""

    def __post_init__(self) -> None:
        if any(len(series.values) != len(self.at) for series in self.series):
            raise ValueError("every series needs one value for each instant")

    @property
    def rows(self) -> Iterator[tuple[datetime, list[Number | None]]]:
        """Each instant with the value of every series."""
        for index, at in enumerate(self.at):
            yield at, [series.values[index] for series in self.series]

    @property
    def for_plot(self) -> dict[str, Any]:
        """What static/js/charts.js reads; times in seconds since 1970."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "at": [int(at.timestamp()) for at in self.at],
            "series": [
                {
                    "label": str(series.label),
                    "tone": series.tone,
                    "values": [None if v is None else float(v) for v in series.values],
                }
                for series in self.series
            ],
        }
