"""How a log of calls is narrowed, for the API and the page alike."""

import ipaddress

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import ids
from core.problems import ValidationError
from usage.models import Call, CallQuerySet

CREDENTIALS = ("key", "app")


class CallFilter(django_filters.FilterSet):
    """`id` is ours or the client's; `status` is a code (`404`) or a class (`4xx`), `code` a problem's; `key` the id of a key or
    application; `operation` is as in `/usage/endpoints`; `path` is its beginning; times are half-open."""

    id = django_filters.CharFilter(method="by_id", label=_("X-Request-Id, ours or yours"))
    status = django_filters.CharFilter(method="by_status", label=_("Status"))
    code = django_filters.CharFilter(method="by_code", label=_("Problem code"))
    key = django_filters.CharFilter(method="by_key", label=_("Key"))
    method = django_filters.CharFilter(method="by_method", label=_("Method"))
    path = django_filters.CharFilter(method="by_path", label=_("Path"))
    operation = django_filters.CharFilter(method="by_operation", label=_("Operation"))
    address = django_filters.CharFilter(method="by_address", label=_("Address"))
    since = django_filters.IsoDateTimeFilter(method="by_since", label=_("Since"))
    until = django_filters.IsoDateTimeFilter(method="by_until", label=_("Until"))

    class Meta:
        model = Call
        fields: list[str] = []

    def by_id(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        try:
            return queryset.filter(pk=ids.decode(Call.id_prefix, value))
        except ids.MalformedId:
            return queryset.filter(client_request_id=value).exclude(client_request_id="")

    def by_status(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        if len(value) == 3 and value[0] in "12345" and value[1:] == "xx":
            least = int(value[0]) * 100
            sought = Q(status__gte=least, status__lt=least + 100)
        elif len(value) == 3 and value.isascii() and value.isdigit():
            least, sought = int(value), Q(status=int(value))
        else:
            raise ValidationError({"status": [str(_("A status such as 404, or a class such as 4xx."))]})
        return (queryset.failed() if least >= 400 else queryset).seeking(sought)

    def by_code(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return queryset.failed().seeking(Q(code=value))

    def by_key(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        for prefix in CREDENTIALS:
            if value.startswith(f"{prefix}_"):
                try:
                    return queryset.filter(credential_id=ids.decode(prefix, value))
                except ids.MalformedId:
                    break
        return queryset.none()

    def by_method(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return queryset.seeking(Q(method=value.upper()))

    def by_path(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return queryset.seeking(Q(path__startswith=value))

    def by_operation(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        return queryset.seeking(Q(operation=value))

    def by_address(self, queryset: CallQuerySet, name: str, value: str) -> CallQuerySet:
        try:
            return queryset.seeking(Q(address=str(ipaddress.ip_address(value.strip().partition("%")[0]))))
        except ValueError as error:
            raise ValidationError({"address": [str(_("An IP address such as 203.0.113.9."))]}) from error

    def by_since(self, queryset: CallQuerySet, name: str, value: object) -> CallQuerySet:
        return queryset.filter(pk__gte=ids.earliest(value))  # type: ignore[arg-type]  # the filter gives datetimes

    def by_until(self, queryset: CallQuerySet, name: str, value: object) -> CallQuerySet:
        return queryset.filter(pk__lt=ids.earliest(value))  # type: ignore[arg-type]  # the filter gives datetimes
