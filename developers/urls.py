"""Pages for developers, and the API's own document."""

from django.urls import path

from developers import views

app_name = "developers"

urlpatterns = [
    path("developers/", views.home, name="home"),
    path("developers/guide/", views.guide, name="guide"),
    path("developers/oauth/", views.oauth, name="oauth"),
    path("developers/errors/", views.error_list, name="errors"),
    path("developers/errors/<slug:code>", views.error_detail, name="error"),
    path("developers/events/", views.event_list, name="events"),
    path("developers/events/<str:name>", views.event_detail, name="event"),
    path("api/asyncapi.json", views.asyncapi, name="asyncapi"),
    path("api/schema", views.schema, name="schema"),
    path("api/docs", views.reference, name="reference"),
]
