"""What Prometheus sees of deliveries, read from the database at each scrape: true across processes and restarts."""

from collections.abc import Iterator

from django.db import DatabaseError
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from webhooks import queue
from webhooks.models import Health


class DeliveriesCollector(Collector):
    """The queue's depth, the age of what is due longest, attempts of the last minute by result, endpoints that fail."""

    def describe(self) -> list[Metric]:
        """Nothing is asked of the database when the process starts."""
        return []

    def collect(self) -> Iterator[Metric]:
        """An unreachable database yields nothing: the other metrics are wanted then more than ever."""
        try:
            yield from self._queue()
        except DatabaseError:
            return

    def _queue(self) -> Iterator[Metric]:
        depth = queue.depth()
        waiting = GaugeMetricFamily("portico_webhook_deliveries", "Deliveries that wait.", labels=["state"])
        for state in ("due", "later", "held"):
            waiting.add_metric([state], getattr(depth, state))
        yield waiting
        yield GaugeMetricFamily(
            "portico_webhook_oldest_due_seconds", "For how long the oldest is due.", value=depth.oldest_seconds
        )
        made = GaugeMetricFamily("portico_webhook_attempts_last_minute", "Attempts of the last minute.", labels=["result"])
        for result, number in queue.attempts(queue.MINUTE).items():
            made.add_metric([result], number)
        yield made
        ill, opened = queue.failing().count(), Health.objects.opened().count()
        yield GaugeMetricFamily("portico_webhook_endpoints_failing", "Active endpoints that fail.", value=ill)
        yield GaugeMetricFamily("portico_webhook_circuits_open", "Endpoints that are sent nothing but probes.", value=opened)


def register() -> None:
    """Once a process; from the app's `ready`."""
    REGISTRY.register(DeliveriesCollector())
