"""A partner's pages about money."""

from django.urls import path

from billing import views

app_name = "billing"

urlpatterns = [
    path("p/<slug:slug>/billing/", views.overview, name="overview"),
    path("p/<slug:slug>/billing/invoices/", views.invoice_list, name="invoices"),
    path("p/<slug:slug>/billing/invoices/<str:public_id>/", views.invoice_detail, name="invoice"),
    path("p/<slug:slug>/billing/earnings/", views.earning_list, name="earnings"),
    path("p/<slug:slug>/billing/payouts/", views.payout_list, name="payouts"),
    path("p/<slug:slug>/billing/payouts/<str:public_id>/", views.payout_detail, name="payout"),
    path("p/<slug:slug>/billing/payout-account/", views.payout_account, name="payout_account"),
]
