from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Every call counted, once."""

    name = "usage"

    def ready(self) -> None:
        from core import events, partitions, streams
        from partners import erasure as partner_erasure
        from usage import bodies, epochs, erasure, event_types, ingest, mails, quota_alerts, retention, scopes  # noqa: F401  (some register)

        partner_erasure.register(erasure.erase)
        partitions.register("usage_call", span="day", kept=retention.CALLS_KEPT)
        partitions.register("usage_bodies", span="day", kept=retention.BODIES_KEPT)
        events.subscribe(bodies.follow_partners)

        streams.register(streams.repeating("usage", ingest.step, idle=0.5))
        streams.register(streams.repeating("usage-bodies", bodies.step, idle=1.0))
        streams.register(streams.repeating("usage-epochs", epochs.step, idle=5.0))
        streams.register(streams.repeating("usage-alerts", quota_alerts.step, idle=15.0))
