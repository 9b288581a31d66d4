from django.urls import path

from apikeys.api.applications import ApplicationViewSet, ConsentViewSet
from apikeys.api.oauth import IntrospectView, JwksView, MetadataView, RevokeView, TokenView
from apikeys.api.operators import PartnerWithKeyViewSet, VerifyView
from apikeys.api.views import ConfirmView, KeyViewSet, LeakView, ScopeView

partner_urls = [
    path("register/confirm", ConfirmView.as_view()),
    path("keys", KeyViewSet.as_view({"get": "list", "post": "create"})),
    path("keys/report-leak", LeakView.as_view()),
    path(
        "keys/<str:public_id>",
        KeyViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    *(
        path(f"keys/<str:public_id>/{verb}", KeyViewSet.as_view({"post": verb}))
        for verb in ("rotate", "revoke", "disable", "enable")
    ),
    path("keys/<str:public_id>/rotate-secret", KeyViewSet.as_view({"post": "rotate_secret"})),
    path("scopes", ScopeView.as_view()),
    path("applications", ApplicationViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "applications/<str:public_id>",
        ApplicationViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("applications/<str:public_id>/rotate-secret", ApplicationViewSet.as_view({"post": "rotate_secret"})),
    path("applications/<str:public_id>/secrets/<str:secret_id>", ApplicationViewSet.as_view({"delete": "end_secret"})),
    *(path(f"applications/<str:public_id>/{verb}", ApplicationViewSet.as_view({"post": verb})) for verb in ("disable", "enable")),
    path("consents", ConsentViewSet.as_view({"get": "list"})),
    path("consents/<str:public_id>", ConsentViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("auth/token", TokenView.as_view()),
    path("auth/revoke", RevokeView.as_view()),
    path("auth/introspect", IntrospectView.as_view()),
]
well_known_urls = [
    path("oauth-authorization-server", MetadataView.as_view()),
    path("jwks.json", JwksView.as_view()),
]
operator_urls = [
    path("partners", PartnerWithKeyViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "partners/<str:public_id>",
        PartnerWithKeyViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    *(
        path(f"partners/<str:public_id>/{verb}", PartnerWithKeyViewSet.as_view({"post": verb}))
        for verb in ("approve", "reject", "suspend", "reactivate", "close", "restore")
    ),
    path("partners/<str:public_id>/request-changes", PartnerWithKeyViewSet.as_view({"post": "request_changes"})),
    path("keys/verify", VerifyView.as_view()),
]
