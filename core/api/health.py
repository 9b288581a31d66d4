"""Is it up, is it ready, how is it doing."""

import ipaddress

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django_prometheus import exports
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.views import ApiView
from core.models import Environment


def process_is_up(request: HttpRequest) -> HttpResponse:
    """`/healthz`: this process answers."""
    return JsonResponse({"status": "ok"})


def engines_are_reachable(request: HttpRequest) -> HttpResponse:
    """`/readyz`: 200 if PostgreSQL and Redis answer, else 503 that names the one that doesn't."""
    found = {"postgres": _postgres_answers(), "redis": _redis_answers()}
    ready = all(found.values())
    engines = {name: "ok" if fine else "unreachable" for name, fine in found.items()}
    return JsonResponse({"status": "ok" if ready else "unavailable", "engines": engines}, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`, in Prometheus' format: with the token if one is set, from loopback only if not."""
    if settings.METRICS_TOKEN:
        if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
            raise Http404
    elif not _is_loopback(request.META.get("REMOTE_ADDR", "")):
        raise Http404
    return exports.ExportToDjangoView(request)  # type: ignore[no-any-return]  # the package types nothing


class HealthView(ApiView):
    """Whether the API works; with a credential also who you are to it."""

    audience = "public"

    @extend_schema(
        operation_id="health",
        responses=inline_serializer(
            "Health",
            {
                "status": serializers.CharField(),
                "time": serializers.DateTimeField(),
                "version": serializers.CharField(),
                "partner": serializers.CharField(required=False),
                "key": serializers.CharField(required=False),
                "environment": serializers.ChoiceField(Environment.choices, required=False),
            },
        ),
        examples=[OpenApiExample("Up", {"status": "ok", "time": "2026-01-31T12:00:00Z", "version": "0.1.0"})],
    )
    def get(self, request: Request) -> Response:
        from core import ids

        answer = {"status": "ok", "time": timezone.now(), "version": settings.VERSION}
        if self.caller.partner_id and self.caller.credential_id:
            answer["partner"] = ids.encode("ptn", self.caller.partner_id)
            answer["key"] = ids.encode("key" if self.caller.kind == "key" else "app", self.caller.credential_id)
            answer["environment"] = self.caller.environment
        return Response(answer)


def _postgres_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2).ping())
    except redis.RedisError:
        return False


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return not address  # a Unix socket's peer
