from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """What is made of several apps: dashboard, styles, and the operators' console."""

    name = "portal"
    verbose_name = _("Portal")

    def ready(self) -> None:
        from portal import data_export, readiness  # noqa: F401  (they register the handlers of two types of requests)
