from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """What is made of several apps: dashboard, styles, and the operators' console."""

    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from core.later import later
        from partners import erasure as partner_erasure
        from portal import data_export, erasure  # noqa: F401  (data_export registers its handler)
        from products.requests.handlers import Handler, register

        register(Handler("ONBOARDING", later("portal.readiness.check")))
        partner_erasure.register(erasure.erase)
