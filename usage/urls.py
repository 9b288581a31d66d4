"""A partner's pages about usage."""

from django.urls import path

from usage import views

app_name = "usage"

urlpatterns = [
    path("p/<slug:slug>/usage/", views.overview, name="overview"),
    path("p/<slug:slug>/usage/limits/", views.limit_list, name="limits"),
    path("p/<slug:slug>/usage/requests/", views.request_list, name="requests"),
    path("p/<slug:slug>/usage/requests/calls.csv", views.request_export, name="requests_export"),
    path("p/<slug:slug>/usage/requests/bodies/", views.bodies, name="bodies"),
    path("p/<slug:slug>/usage/requests/<str:public_id>/", views.request_detail, name="request"),
]
