"""How the log of deliveries is narrowed, for the API and the pages alike."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import ids
from core.filters import InstantFilter
from core.models import Event
from core.problems import ValidationError
from webhooks import patterns
from webhooks.models import Delivery, DeliveryQuerySet, Endpoint

NO_ANSWER = "none"


class DeliveryFilter(django_filters.FilterSet):
    """Of one endpoint's deliveries. `id` is a delivery's or an event's; `event_type` a name or a family (`course.*`); `answer` a
    status (`404`), a class (`5xx`), or `none` where nothing came back; times are half-open."""

    id = django_filters.CharFilter(method="by_id", label=_("Id of a delivery or an event"))
    status = django_filters.ChoiceFilter(method="by_status", choices=Delivery.Status.choices, label=_("Status"))
    event_type = django_filters.CharFilter(method="by_event_type", label=_("Event type"))
    answer = django_filters.CharFilter(method="by_answer", label=_("Answer"))
    since = InstantFilter(method="by_since", label=_("Since"))
    until = InstantFilter(method="by_until", label=_("Until"))

    class Meta:
        model = Delivery
        fields: list[str] = []

    def by_id(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        if value.startswith(f"{Event.id_prefix}_"):
            try:
                return queryset.filter(event_id=ids.decode(Event.id_prefix, value))
            except ids.MalformedId:
                return queryset.none()
        return queryset.public(value)

    def by_status(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        return queryset.seeking(Q(status=value))

    def by_event_type(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        if not patterns.well_formed(value):
            raise ValidationError({"event_type": [str(_("A name such as course.completed, or a family such as course.*."))]})
        return queryset.seeking(patterns.as_filter([value]))

    def by_answer(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        if value == NO_ANSWER:
            return queryset.seeking(Q(status_code=None, attempt_count__gt=0))
        if len(value) == 3 and value[0] in "12345" and value[1:] == "xx":
            least = int(value[0]) * 100
            return queryset.seeking(Q(status_code__gte=least, status_code__lt=least + 100))
        if len(value) == 3 and value.isascii() and value.isdigit():
            return queryset.seeking(Q(status_code=int(value)))
        raise ValidationError({"answer": [str(_("A status such as 404, a class such as 5xx, or none."))]})

    def by_since(self, queryset: DeliveryQuerySet, name: str, value: object) -> DeliveryQuerySet:
        return queryset.filter(pk__gte=ids.earliest(value))  # type: ignore[arg-type]  # the filter gives datetimes

    def by_until(self, queryset: DeliveryQuerySet, name: str, value: object) -> DeliveryQuerySet:
        return queryset.filter(pk__lt=ids.earliest(value))  # type: ignore[arg-type]  # the filter gives datetimes


class LogFilter(DeliveryFilter):
    """Of a partner's deliveries to all endpoints; also by `endpoint`."""

    endpoint = django_filters.CharFilter(method="by_endpoint", label=_("Endpoint"))

    def by_status(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        if value == Delivery.Status.FAILED and not self.data.get("endpoint"):
            return queryset.filter(status=value)  # there is an index of what a partner's endpoints were not sent
        return super().by_status(queryset, name, value)

    def by_endpoint(self, queryset: DeliveryQuerySet, name: str, value: str) -> DeliveryQuerySet:
        try:
            return queryset.filter(endpoint_id=ids.decode(Endpoint.id_prefix, value))
        except ids.MalformedId:
            return queryset.none()
