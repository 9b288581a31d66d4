from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExternalConfig(AppConfig):
    """APIs of the operator's own that run elsewhere: the gateway serves them under `/apis/`."""

    name = "products.external"
    verbose_name = _("API products")

    def ready(self) -> None:
        from core import streams, watches
        from core.scopes import add_source
        from products.external import event_types, scopes, upstream_health  # noqa: F401  (event types register)

        add_source(scopes.offered)
        streams.register(streams.repeating("product_upstreams", upstream_health.step, idle=watches.IDLE))
