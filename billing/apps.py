from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Prices, invoices, earnings, payouts, and the ledger under them."""

    name = "billing"

    def ready(self) -> None:
        from billing import event_types, scopes  # noqa: F401  (registers them)
