"""The overview of the calling partner, made of several apps."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.models import Event
from partners import onboarding
from portal import todo
from portal.api.serializers import DashboardSerializer
from portal.overview import Overview

LATEST = 6


class DashboardView(ApiView):
    """How the calling partner stands."""

    scopes = {"read": "partner:read"}

    @extend_schema(operation_id="getDashboard", summary="Get your dashboard", responses=DashboardSerializer)
    def get(self, request: Request) -> Response:
        """The month's calls and all there ever were, keys, webhooks, money, what to do next, and what happened lately. Calls are
        those of the calling key's environment, counted within seconds. `todo` names what the key's scopes could do."""
        partner, environment, may = self.partner, self.caller.environment, self.caller.has_scope
        overview = Overview.of(partner, environment, may)
        found = {
            "usage": overview.usage,
            "keys": overview.keys,
            "webhooks": overview.webhooks,
            "finances": overview.finances,
            "onboarding": onboarding.progress(partner),
            "todo": todo.tasks(partner, overview, may),
            "recent_activity": Event.objects.for_caller(partner, environment).order_by("-id")[:LATEST],
        }
        return Response(DashboardSerializer(found, context={"base_url": settings.BASE_URL}).data)
