from django.apps import AppConfig


class UsageConfig(AppConfig):
    """Every call counted, once."""

    name = "usage"

    def ready(self) -> None:
        from core import partitions, streams
        from partners import erasure as partner_erasure
        from usage import epochs, erasure, ingest, retention, scopes  # noqa: F401  (scopes registers)

        partner_erasure.register(erasure.erase)
        partitions.register("usage_call", span="day", kept=retention.CALLS_KEPT)

        streams.register(streams.repeating("usage", ingest.step, idle=0.5))
        streams.register(streams.repeating("usage-epochs", epochs.step, idle=5.0))
