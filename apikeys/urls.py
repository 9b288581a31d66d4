"""Pages for keys, under `/p/<slug>/keys/`."""

from django.urls import path

from apikeys import report_pages, views

app_name = "apikeys"

urlpatterns = [
    path("report-leak", report_pages.report_leak, name="report_leak"),
    path("p/<slug:slug>/keys/", views.key_list, name="list"),
    path("p/<slug:slug>/keys/new", views.create, name="create"),
    path("p/<slug:slug>/keys/<str:public_id>", views.detail, name="detail"),
    path("p/<slug:slug>/keys/<str:public_id>/edit", views.edit, name="edit"),
    path("p/<slug:slug>/keys/<str:public_id>/rotate", views.rotate, name="rotate"),
    path("p/<slug:slug>/keys/<str:public_id>/rotate-secret", views.rotate_secret, name="rotate_secret"),
    path("p/<slug:slug>/keys/<str:public_id>/revoke", views.revoke, name="revoke"),
    path("p/<slug:slug>/keys/<str:public_id>/disable", views.disable, name="disable"),
    path("p/<slug:slug>/keys/<str:public_id>/enable", views.enable, name="enable"),
]
