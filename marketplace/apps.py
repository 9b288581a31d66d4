from django.apps import AppConfig


class MarketplaceConfig(AppConfig):
    """What partners publish and install."""

    name = "marketplace"

    def ready(self) -> None:
        from core import events
        from marketplace import event_types, scopes  # noqa: F401  (registers)
        from marketplace.readers import follow_partners

        events.subscribe(follow_partners)
