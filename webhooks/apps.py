from datetime import timedelta

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """Tells partners' servers what happened: endpoints, deliveries and their attempts, the catalogue of event types."""

    name = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        from core import events, partitions, streams
        from core.later import later
        from webhooks import event_types, fan_out, scopes  # noqa: F401  (registers types and scopes)

        events.subscribe(fan_out.fan_out)
        streams.register(streams.Stream("deliveries", later("webhooks.courier.run")))
        partitions.register("webhooks_attempt", span="month", kept=timedelta(days=90))
