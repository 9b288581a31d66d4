from django.urls import path

from portal.api.views import DashboardView

partner_urls = [path("partner/dashboard", DashboardView.as_view())]
