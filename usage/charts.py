"""Answers of `usage.questions`, drawn."""

from django.utils.translation import gettext as _

from core.charts import Chart, Series
from usage.questions import Point


def chart_of(points: list[Point]) -> Chart | None:
    """Calls and errors as bars; None where there were no calls."""
    if not any(point.requests for point in points):
        return None
    return Chart(
        [point.at for point in points],
        [
            Series(str(_("Calls")), [point.requests for point in points]),
            Series(str(_("Errors")), [point.errors for point in points], tone="bad"),
        ],
        kind="bars",
    )
