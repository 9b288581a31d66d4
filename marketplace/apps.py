from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """What partners publish and install."""

    name = "marketplace"

    def ready(self) -> None:
        from core import events, streams, watches
        from marketplace import erasure, event_types, mails, scopes, upstream_health  # noqa: F401  (registers)
        from marketplace.readers import follow_partners
        from partners import erasure as partner_erasure

        partner_erasure.register(erasure.erase)
        events.subscribe(follow_partners)
        streams.register(streams.repeating("upstreams", upstream_health.step, idle=watches.IDLE))
