from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApikeysConfig(AppConfig):
    """Credentials of partners' programs."""

    name = "apikeys"
    verbose_name = _("API keys")

    def ready(self) -> None:
        from apikeys import erasure, event_types, mails, scopes  # noqa: F401  (what they register)
        from partners import erasure as partner_erasure

        partner_erasure.register(erasure.erase)
