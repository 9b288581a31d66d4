from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Prices, invoices, earnings, payouts, and the ledger under them."""

    name = "billing"

    def ready(self) -> None:
        from billing import erasure, event_types, scopes  # noqa: F401  (registers them)
        from partners import erasure as partner_erasure

        partner_erasure.register(erasure.erase)
        partner_erasure.keep_company(erasure.keeps_company)
