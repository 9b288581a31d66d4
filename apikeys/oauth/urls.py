"""Pages for applications and consents, and the authorization endpoint."""

from django.urls import path

from apikeys.oauth import authorize, views

app_name = "oauth"

urlpatterns = [
    path("oauth/authorize", authorize.authorize, name="authorize"),
    path("p/<slug:slug>/authorize", authorize.consent, name="consent"),
    path("p/<slug:slug>/applications/", views.application_list, name="list"),
    path("p/<slug:slug>/applications/connected/", views.consent_list, name="connected"),
    path("p/<slug:slug>/applications/connected/<str:public_id>", views.consent_detail, name="connection"),
    path("p/<slug:slug>/applications/connected/<str:public_id>/revoke", views.disconnect, name="disconnect"),
    path("p/<slug:slug>/applications/new", views.create, name="create"),
    path("p/<slug:slug>/applications/<str:public_id>", views.detail, name="detail"),
    path("p/<slug:slug>/applications/<str:public_id>/secret", views.rotate_secret, name="rotate_secret"),
    path("p/<slug:slug>/applications/<str:public_id>/secret/<str:secret_id>/revoke", views.revoke_secret, name="revoke_secret"),
    path("p/<slug:slug>/applications/<str:public_id>/revoke", views.revoke, name="revoke"),
    path("p/<slug:slug>/applications/<str:public_id>/disable", views.switch, {"to": "disable"}, name="disable"),
    path("p/<slug:slug>/applications/<str:public_id>/enable", views.switch, {"to": "enable"}, name="enable"),
]
