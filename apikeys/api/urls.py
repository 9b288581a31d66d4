from django.urls import path

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
