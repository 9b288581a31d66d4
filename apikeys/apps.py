from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ApikeysConfig(AppConfig):
    """Credentials of partners' programs."""

    name = "apikeys"
    verbose_name = _("API keys")

    def ready(self) -> None:
        from apikeys import erasure, event_types, mails, scopes  # noqa: F401  (what they register)
        from apikeys.oauth import event_types as oauth_event_types  # noqa: F401  (the same)
        from apikeys.oauth import mails as oauth_mails  # noqa: F401  (the same)
        from apikeys.readers import follow_products
        from core import events
        from partners import erasure as partner_erasure

        events.subscribe(follow_products)
        partner_erasure.register(erasure.erase)
