from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    """What every app stands on; knows no other app."""

    name = "core"
    verbose_name = _("Platform")

    def ready(self) -> None:
        from core import checks, event_types, partitions, relay, streams, verifications  # noqa: F401  (registers checks and event types)

        streams.register(relay.STREAM)
        streams.register(verifications.STREAM)
        partitions.register("core_payload", span="month", kept=settings.EVENT_DATA_KEPT)
        post_migrate.connect(_make_partitions, sender=self)
        post_migrate.connect(_sync_roles, sender=self)


def _make_partitions(**kwargs: Any) -> None:
    """A database that was just migrated takes its first rows into partitions, not before the next daily task."""
    from core import partitions

    partitions.maintain()


def _sync_roles(**kwargs: Any) -> None:
    """The groups of the operators' roles follow the table in the code."""
    from core import roles

    roles.sync()
