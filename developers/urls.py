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
    path("api/schema", views.schema, name="schema"),
    path("api/docs", views.reference, name="reference"),
]
