from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _


class WebhooksConfig(AppConfig):
    """Tells partners' servers what happened: endpoints, deliveries and their attempts, the catalogue of event types."""

    name = "webhooks"
    verbose_name = _("Webhooks")

    def ready(self) -> None:
        from core import events, partitions, streams
        from core.later import later
        from partners import erasure as partner_erasure
        from partners import webhook_check
        from webhooks import circuits, erasure, event_types, fan_out, mails, metrics, scopes, signing  # noqa: F401  (registers types and scopes)

        webhook_check.register(webhook_check.Courier(signing.new_secret, later("webhooks.trial.deliver")))
        partner_erasure.register(erasure.erase)
        events.subscribe(fan_out.fan_out)
        streams.register(streams.Stream("deliveries", later("webhooks.courier.run")))
        streams.register(streams.repeating("webhook-circuits", circuits.step, idle=1.0))
        streams.register(streams.repeating("replays", later("webhooks.replays.step"), idle=2.0))
        partitions.register("webhooks_attempt", span="month", kept=settings.WEBHOOK_ATTEMPTS_KEPT)
        metrics.register()
