from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RequestsConfig(AppConfig):
    """Work that partners hand in and the operator's side does: submitted, processed, completed or failed, with a due time."""

    name = "products.requests"
    verbose_name = _("Requests")

    def ready(self) -> None:
        from core import streams
        from products.requests import event_types, metrics, scopes, worker  # noqa: F401  (event types and scopes register)

        streams.register(worker.PROCESSING)
        streams.register(worker.WATCHING)
        metrics.register()
