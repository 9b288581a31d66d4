from django.urls import path

from partners.api import notifications, onboarding, profiles, team, terms, views
from partners.api.reviews import OperatorDocumentViewSet
from partners.api.tier_requests import TierRequestViewSet

partner_urls = [
    path("register", views.RegisterView.as_view()),
    path("partner", views.PartnerView.as_view()),
    path("partner/logo", profiles.LogoView.as_view()),
    path("partner/onboarding", onboarding.OnboardingView.as_view()),
    path("partner/onboarding/basic-info", onboarding.BasicInfoView.as_view()),
    path("partner/onboarding/business-details", onboarding.BusinessDetailsView.as_view()),
    path("partner/onboarding/api-setup", onboarding.ApiSetupView.as_view()),
    path("partner/onboarding/api-setup/check-webhook", onboarding.WebhookCheckView.as_view()),
    path("partner/onboarding/submit", onboarding.SubmitView.as_view()),
    path("partner/verification", onboarding.VerificationView.as_view()),
    path("partner/activity", views.ActivityViewSet.as_view({"get": "list"})),
    path("partner/audit-log", views.AuditLogViewSet.as_view({"get": "list"})),
    path("partner/documents", onboarding.DocumentViewSet.as_view({"get": "list", "post": "create"})),
    path("partner/documents/<str:public_id>", onboarding.DocumentViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("partner/members", team.MemberViewSet.as_view({"get": "list"})),
    path(
        "partner/members/<str:public_id>",
        team.MemberViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("partner/invitations", team.InvitationViewSet.as_view({"get": "list", "post": "create"})),
    path("partner/invitations/<str:public_id>", team.InvitationViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("partner/invitations/<str:public_id>/resend", team.InvitationViewSet.as_view({"post": "resend"})),
    path("partner/terms", terms.StandingView.as_view()),
    path("partner/terms/accept", terms.AcceptView.as_view()),
    path("terms", terms.TermsViewSet.as_view({"get": "list"})),
    path("terms/<str:version>", terms.TermsViewSet.as_view({"get": "retrieve"})),
    path("notifications", notifications.NotificationViewSet.as_view({"get": "list"})),
    path("notifications/preferences", notifications.PreferencesView.as_view()),
    path("notifications/<str:public_id>/read", notifications.NotificationViewSet.as_view({"post": "mark_read"})),
    path("partner/tier-requests", TierRequestViewSet.as_view({"get": "list", "post": "create"})),
    path("partner/tier-requests/<str:public_id>", TierRequestViewSet.as_view({"get": "retrieve"})),
    path("partner/tier-requests/<str:public_id>/withdraw", TierRequestViewSet.as_view({"post": "withdraw"})),
    path("tiers", views.TierViewSet.as_view({"get": "list"})),
    path("partners", profiles.ProfileViewSet.as_view({"get": "list"})),
    path("partners/<slug:slug>", profiles.ProfileViewSet.as_view({"get": "retrieve"})),
]
operator_urls = [
    path("documents", OperatorDocumentViewSet.as_view({"get": "list"})),
    path("documents/<str:public_id>", OperatorDocumentViewSet.as_view({"get": "retrieve"})),
    *(
        path(f"documents/<str:public_id>/{verb}", OperatorDocumentViewSet.as_view({"post": verb}))
        for verb in ("accept", "reject")
    ),
]
