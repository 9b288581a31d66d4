"""Pages of partners: public ones, and a partner's own under `/p/<slug>/`."""

from allauth.mfa.recovery_codes.views import view_recovery_codes
from django.urls import path
from django.views.decorators.cache import never_cache

from partners import (
    entrance,
    impersonation_pages,
    inbox,
    joining,
    paperwork,
    plan,
    profile_pages,
    serving,
    sessions,
    steps,
    team,
    terms_pages,
    views,
)

app_name = "partners"

urlpatterns = [
    path("accounts/verify/<str:token>", views.verify, name="verify"),
    # Shown once, so kept by no browser; allauth's own view says nothing about caches.
    path("accounts/2fa/recovery-codes/", never_cache(view_recovery_codes), name="recovery_codes"),
    path("accounts/sessions/<int:pk>/end", sessions.end, name="end_session"),
    path("terms", terms_pages.current, name="terms_current"),
    path("terms/<str:version>", terms_pages.version, name="terms_version"),
    path("invitations/<str:token>", joining.join, name="join"),
    path("logos/<str:name>/<int:size>.png", serving.logo, name="logo"),
    path("impersonation/act", impersonation_pages.act, name="impersonation_act"),
    path("impersonation/end", impersonation_pages.end, name="impersonation_end"),
    path("p/new", views.create, name="create"),
    path("p/<slug:slug>/login", entrance.Entrance.as_view(), name="entrance"),
    path("p/<slug:slug>/terms", terms_pages.accept, name="terms"),
    path("p/<slug:slug>/onboarding/", steps.start, name="onboarding"),
    path("p/<slug:slug>/onboarding/<slug:name>", steps.step, name="step"),
    path("p/<slug:slug>/verification/", paperwork.verify, name="verification"),
    path("p/<slug:slug>/documents/<str:public_id>", serving.own_document, name="document"),
    path("p/<slug:slug>/documents/<str:public_id>/remove", paperwork.remove, name="document_remove"),
    path("p/<slug:slug>/team/", team.team, name="team"),
    path("p/<slug:slug>/team/invite", team.invite, name="invite"),
    path("p/<slug:slug>/team/leave", team.leave, name="leave"),
    path("p/<slug:slug>/team/invitations/<str:public_id>/resend", team.resend, name="resend"),
    path("p/<slug:slug>/team/invitations/<str:public_id>/revoke", team.revoke, name="revoke"),
    path("p/<slug:slug>/team/<str:public_id>/role", team.role, name="role"),
    path("p/<slug:slug>/team/<str:public_id>/remove", team.remove, name="remove"),
    path("p/<slug:slug>/team/<str:public_id>/transfer", team.transfer, name="transfer"),
    path("p/<slug:slug>/notifications/", inbox.notifications, name="notifications"),
    path("p/<slug:slug>/notifications/count", inbox.count, name="notification_count"),
    path("p/<slug:slug>/notifications/read", inbox.read_all, name="notifications_read"),
    path("p/<slug:slug>/notifications/preferences", inbox.preferences, name="preferences"),
    path("p/<slug:slug>/notifications/<str:public_id>/read", inbox.read, name="notification_read"),
    path("p/<slug:slug>/profile/", profile_pages.edit, name="profile_edit"),
    path("p/<slug:slug>/profile/draft", profile_pages.draft, name="profile_draft"),
    path("p/<slug:slug>/profile/logo", profile_pages.put_logo, name="logo_put"),
    path("p/<slug:slug>/profile/logo/remove", profile_pages.remove_logo, name="logo_remove"),
    path("p/<slug:slug>/plan/", plan.plan, name="plan"),
    path("p/<slug:slug>/plan/requests/<str:public_id>/withdraw", plan.withdraw, name="withdraw_tier_request"),
    path("p/<slug:slug>/plan/<slug:tier>", plan.ask, name="ask_for_tier"),
    path("p/<slug:slug>/settings/", views.settings, name="settings"),
]
