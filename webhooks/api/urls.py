from django.urls import path

from webhooks.api.operator import (
    OperatorEventsView,
    OperatorEventTypesView,
    OperatorEventTypeView,
    RestoreEventTypeView,
    RetireEventTypeView,
)
from webhooks.api.views import (
    DeliveryViewSet,
    EndpointDeliveriesViewSet,
    EndpointReplaysView,
    EndpointViewSet,
    EventTypesView,
    EventTypeView,
    EventViewSet,
    LogView,
    ReplayViewSet,
)

VERBS = {
    "pause": "pause",
    "enable": "enable",
    "rotate-secret": "rotate_secret",
    "end-overlap": "end_overlap",
    "test": "test",
    "replay": "replay",
}

partner_urls = [
    path("webhooks", EndpointViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "webhooks/<str:public_id>",
        EndpointViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    *(path(f"webhooks/<str:public_id>/{name}", EndpointViewSet.as_view({"post": verb})) for name, verb in VERBS.items()),
    path("webhooks/<str:public_id>/deliveries", EndpointDeliveriesViewSet.as_view({"get": "list"})),
    path("webhooks/<str:public_id>/replays", EndpointReplaysView.as_view({"get": "list"})),
    path("webhooks/<str:public_id>/stats", EndpointViewSet.as_view({"get": "stats"})),
    path("deliveries", LogView.as_view({"get": "list"})),
    path("deliveries/<str:public_id>", DeliveryViewSet.as_view({"get": "retrieve"})),
    path("deliveries/<str:public_id>/retry", DeliveryViewSet.as_view({"post": "retry"})),
    path("replays/<str:public_id>", ReplayViewSet.as_view({"get": "retrieve"})),
    path("replays/<str:public_id>/cancel", ReplayViewSet.as_view({"post": "cancel"})),
    path("events", EventViewSet.as_view({"get": "list"})),
    path("events/<str:public_id>", EventViewSet.as_view({"get": "retrieve"})),
    path("events/<str:public_id>/replay", EventViewSet.as_view({"post": "replay"})),
    path("event-types", EventTypesView.as_view()),
    path("event-types/<str:name>", EventTypeView.as_view()),
]
operator_urls = [
    path("events", OperatorEventsView.as_view()),
    path("event-types", OperatorEventTypesView.as_view()),
    path("event-types/<str:name>", OperatorEventTypeView.as_view()),
    path("event-types/<str:name>/retire", RetireEventTypeView.as_view()),
    path("event-types/<str:name>/restore", RestoreEventTypeView.as_view()),
]
