from django.urls import path

from usage.api import views

partner_urls = [
    path("usage/summary", views.SummaryView.as_view()),
    path("usage/timeseries", views.TimeseriesView.as_view()),
    path("usage/endpoints", views.EndpointsView.as_view()),
    path("usage/errors", views.ErrorsView.as_view()),
    path("usage/latency", views.LatencyView.as_view()),
    path("usage/limits", views.LimitsView.as_view()),
    path("usage/requests", views.CallViewSet.as_view({"get": "list"})),
    path("usage/requests/<str:public_id>", views.CallViewSet.as_view({"get": "retrieve"})),
    path("keys/<str:public_id>/usage", views.KeyUsageView.as_view()),
]
