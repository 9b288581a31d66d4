"""Pages of partners: public ones, and a partner's own under `/p/<slug>/`."""

from django.urls import path

from partners import joining, steps, team, views

app_name = "partners"

urlpatterns = [
    path("accounts/verify/<str:token>", views.verify, name="verify"),
    path("invitations/<str:token>", joining.join, name="join"),
    path("partners", views.showcase, name="showcase"),
    path("partners/<slug:slug>", views.profile, name="profile"),
    path("p/new", views.create, name="create"),
    path("p/<slug:slug>/onboarding/", steps.start, name="onboarding"),
    path("p/<slug:slug>/onboarding/<slug:name>", steps.step, name="step"),
    path("p/<slug:slug>/team/", team.team, name="team"),
    path("p/<slug:slug>/team/invite", team.invite, name="invite"),
    path("p/<slug:slug>/team/leave", team.leave, name="leave"),
    path("p/<slug:slug>/team/invitations/<str:public_id>/resend", team.resend, name="resend"),
    path("p/<slug:slug>/team/invitations/<str:public_id>/revoke", team.revoke, name="revoke"),
    path("p/<slug:slug>/team/<str:public_id>/role", team.role, name="role"),
    path("p/<slug:slug>/team/<str:public_id>/remove", team.remove, name="remove"),
    path("p/<slug:slug>/team/<str:public_id>/transfer", team.transfer, name="transfer"),
    path("p/<slug:slug>/settings/", views.settings, name="settings"),
]
