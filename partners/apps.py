from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PartnersConfig(AppConfig):
    """Organisations, the people in them, onboarding and verification."""

    name = "partners"
    verbose_name = _("Partners")

    def ready(self) -> None:
        from core import events, streams
        from partners import documents, event_types, mails, notices, scopes, security, tiers  # noqa: F401  (register)

        security.listen()
        events.subscribe(notices.read)
        streams.register(streams.repeating("notices", notices.send_due, idle=2.0))
        streams.register(streams.repeating(documents.SCANS, documents.scan_due, idle=5.0))
        # Reference data, like Django's own permissions: a database without any tier gets the usual ladder.
        post_migrate.connect(tiers.after_migrate, sender=self, dispatch_uid="partners.tiers")
