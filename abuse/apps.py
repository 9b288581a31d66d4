from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AbuseConfig(AppConfig):
    """What holds against keys that are used in a harmful way."""

    name = "abuse"
    verbose_name = _("Abuse")

    def ready(self) -> None:
        from abuse import erasure, event_types, mails, rules, sightings, watch  # noqa: F401  (some register)
        from core import streams
        from partners import erasure as partner_erasure
        from usage import ingest

        partner_erasure.register(erasure.erase)
        ingest.subscribe(sightings.note)
        streams.register(streams.repeating("abuse", watch.step, idle=watch.IDLE))
        post_migrate.connect(rules.after_migrate, sender=self)
