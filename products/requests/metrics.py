"""What Prometheus sees of requests, read from the database at each scrape: true across processes and restarts."""

from collections.abc import Iterator

from django.db import DatabaseError
from django.db.models import Count, Min
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core import clock
from products.requests.models import Request, Tally


class RequestsCollector(Collector):
    """Unfinished requests by type, the age of the oldest, and totals of what ended, by outcome, with their durations."""

    def describe(self) -> list[Metric]:
        """Nothing is asked of the database when the process starts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """An unreachable database yields nothing: the other metrics are wanted then more than ever."""
        try:
            yield from self._unfinished()
            yield from self._finished()
        except DatabaseError:
            return

    def _unfinished(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("portico_requests_open", "Unfinished requests.", labels=["type", "status"])
        oldest = GaugeMetricFamily("portico_requests_oldest_seconds", "Age of the oldest unfinished request.", labels=["type"])
        overdue = GaugeMetricFamily("portico_requests_overdue", "Unfinished requests past their due time.", labels=["type"])
        unfinished, at = Request.objects.unfinished(), clock.now()
        for type_, status, number in unfinished.order_by().values_list("type", "status").annotate(Count("pk")):
            waiting.add_metric([type_, status], number)
        for type_, first in unfinished.order_by().values_list("type").annotate(Min("created_at")):
            oldest.add_metric([type_], (at - first).total_seconds())
        for type_, number in unfinished.filter(due_at__lte=at).order_by().values_list("type").annotate(Count("pk")):
            overdue.add_metric([type_], number)
        yield from (waiting, oldest, overdue)

    def _finished(self) -> Iterator[Metric]:
        ended = CounterMetricFamily("portico_requests_finished", "Requests that ended.", labels=["type", "status"])
        seconds = CounterMetricFamily(
            "portico_requests_duration_seconds", "From submission to the end, summed up.", labels=["type", "status"]
        )
        breaches = CounterMetricFamily("portico_requests_sla_breaches", "Requests that passed their due time.", labels=["type"])
        for tally in Tally.objects.all():
            if tally.outcome == Tally.Outcome.BREACHED:
                breaches.add_metric([tally.type], tally.requests)
            else:
                ended.add_metric([tally.type, tally.outcome], tally.requests)
                seconds.add_metric([tally.type, tally.outcome], tally.seconds)
        yield from (ended, seconds, breaches)


def register() -> None:
    """Once a process; from the app's `ready`."""
    REGISTRY.register(RequestsCollector())
