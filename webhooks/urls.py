"""A partner's pages about webhooks."""

from django.urls import path

from webhooks import delivery_pages, inspector_pages, replay_pages, secret_pages, trial_pages, views

app_name = "webhooks"

urlpatterns = [
    path("hooks/<str:token>", inspector_pages.receive, name="hook"),
    path("p/<slug:slug>/webhooks/", views.endpoint_list, name="list"),
    path("p/<slug:slug>/webhooks/new/", views.endpoint_create, name="create"),
    path("p/<slug:slug>/webhooks/deliveries/", delivery_pages.delivery_list, name="deliveries"),
    path("p/<slug:slug>/webhooks/deliveries/<str:public_id>/", delivery_pages.delivery_detail, name="delivery"),
    path("p/<slug:slug>/webhooks/deliveries/<str:public_id>/retry/", delivery_pages.delivery_retry, name="retry"),
    path("p/<slug:slug>/webhooks/inspectors/", inspector_pages.inspector_list, name="inspectors"),
    path("p/<slug:slug>/webhooks/inspectors/new/", inspector_pages.inspector_new, name="inspector_new"),
    path("p/<slug:slug>/webhooks/inspectors/<str:public_id>/", inspector_pages.inspector_detail, name="inspector"),
    path("p/<slug:slug>/webhooks/inspectors/<str:public_id>/extend/", inspector_pages.inspector_extend, name="inspector_extend"),
    path("p/<slug:slug>/webhooks/inspectors/<str:public_id>/close/", inspector_pages.inspector_close, name="inspector_close"),
    path(
        "p/<slug:slug>/webhooks/inspectors/<str:public_id>/<str:request_id>/", inspector_pages.inspected_detail, name="inspected"
    ),
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
