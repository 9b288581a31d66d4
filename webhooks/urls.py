"""A partner's pages about webhooks."""

from django.urls import path

from webhooks import delivery_pages, replay_pages, secret_pages, trial_pages, views

app_name = "webhooks"

urlpatterns = [
    path("p/<slug:slug>/webhooks/", views.endpoint_list, name="list"),
    path("p/<slug:slug>/webhooks/new/", views.endpoint_create, name="create"),
    path("p/<slug:slug>/webhooks/deliveries/", delivery_pages.delivery_list, name="deliveries"),
    path("p/<slug:slug>/webhooks/deliveries/<str:public_id>/", delivery_pages.delivery_detail, name="delivery"),
    path("p/<slug:slug>/webhooks/deliveries/<str:public_id>/retry/", delivery_pages.delivery_retry, name="retry"),
    path("p/<slug:slug>/webhooks/replays/<str:public_id>/", replay_pages.replay_detail, name="replay"),
    path("p/<slug:slug>/webhooks/replays/<str:public_id>/cancel/", replay_pages.replay_cancel, name="replay_cancel"),
    path("p/<slug:slug>/webhooks/<str:public_id>/replay/", replay_pages.replay_new, name="replay_new"),
    path("p/<slug:slug>/webhooks/<str:public_id>/", views.endpoint_detail, name="detail"),
    path("p/<slug:slug>/webhooks/<str:public_id>/edit/", views.endpoint_edit, name="edit"),
    path("p/<slug:slug>/webhooks/<str:public_id>/rotate-secret/", secret_pages.secret_rotate, name="rotate"),
    path("p/<slug:slug>/webhooks/<str:public_id>/secret/", secret_pages.secret_show, name="secret"),
    path("p/<slug:slug>/webhooks/<str:public_id>/test/", trial_pages.test_send, name="test"),
    path("p/<slug:slug>/webhooks/<str:public_id>/<slug:verb>/", views.endpoint_deed, name="deed"),
]
