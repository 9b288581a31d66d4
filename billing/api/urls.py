from django.urls import path

from billing.api import operators, views

partner_urls = [
    path("billing/prices", views.PriceViewSet.as_view({"get": "list"})),
    path("billing/invoices", views.InvoiceViewSet.as_view({"get": "list"})),
    path("billing/invoices/<str:public_id>", views.InvoiceViewSet.as_view({"get": "retrieve"})),
    path("billing/balance", views.BalanceView.as_view()),
    path("billing/earnings", views.EarningViewSet.as_view({"get": "list"})),
    path("billing/payouts", views.PayoutViewSet.as_view({"get": "list"})),
    path("billing/payouts/<str:public_id>", views.PayoutViewSet.as_view({"get": "retrieve"})),
    path("billing/payout-account", views.PayoutAccountView.as_view()),
]
operator_urls = [
    path("prices/simulate", operators.SimulateView.as_view()),
    path("billing/close", operators.CloseView.as_view()),
    path("billing/invoices", operators.OperatorInvoiceViewSet.as_view({"get": "list"})),
    path("billing/invoices/<str:public_id>", operators.OperatorInvoiceViewSet.as_view({"get": "retrieve"})),
    *(
        path(
            f"billing/invoices/<str:public_id>/{verb}", operators.OperatorInvoiceViewSet.as_view({"post": verb.replace("-", "_")})
        )
        for verb in ("mark-paid", "void", "write-off")
    ),
    path("payouts", operators.OperatorPayoutViewSet.as_view({"get": "list"})),
    path("payouts/run", operators.OperatorPayoutViewSet.as_view({"post": "run"})),
    path("payouts/<str:public_id>", operators.OperatorPayoutViewSet.as_view({"get": "retrieve"})),
    *(
        path(f"payouts/<str:public_id>/{verb}", operators.OperatorPayoutViewSet.as_view({"post": verb.replace("-", "_")}))
        for verb in ("approve", "hold", "mark-paid", "mark-failed")
    ),
    path("ledger/check", operators.LedgerCheckView.as_view()),
]
