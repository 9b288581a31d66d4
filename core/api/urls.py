from django.urls import path

from core.api.audit import AuditCheckView
from core.api.health import HealthView

urlpatterns = [path("health", HealthView.as_view(), name="health")]
operator_urls = [path("audit/check", AuditCheckView.as_view())]
