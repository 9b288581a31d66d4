"""Pages of partners: public ones, and a partner's own under `/p/<slug>/`."""

from django.urls import path

from partners import steps, views

app_name = "partners"

urlpatterns = [
    path("accounts/verify/<str:token>", views.verify, name="verify"),
    path("partners", views.showcase, name="showcase"),
    path("partners/<slug:slug>", views.profile, name="profile"),
    path("p/new", views.create, name="create"),
    path("p/<slug:slug>/onboarding/", steps.start, name="onboarding"),
    path("p/<slug:slug>/onboarding/<slug:name>", steps.step, name="step"),
    path("p/<slug:slug>/team/", views.team, name="team"),
    path("p/<slug:slug>/team/<str:public_id>/role", views.role, name="role"),
    path("p/<slug:slug>/team/<str:public_id>/remove", views.remove, name="remove"),
    path("p/<slug:slug>/settings/", views.settings, name="settings"),
]
