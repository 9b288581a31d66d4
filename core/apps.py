from django.apps import AppConfig


class CoreConfig(AppConfig):
    """What every app stands on; knows no other app."""

    name = "core"

    def ready(self) -> None:
        from core import checks, event_types, relay, streams  # noqa: F401  (registers system checks and core's own event types)

        streams.register(relay.STREAM)
