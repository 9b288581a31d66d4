from django.urls import path

from marketplace.api import views

partner_urls = [
    path("marketplace/categories", views.CategoryView.as_view()),
    path("marketplace/integrations", views.ListedViewSet.as_view({"get": "list"})),
    path("marketplace/integrations/<str:slug>", views.ListedViewSet.as_view({"get": "retrieve"})),
    path("marketplace/integrations/<str:slug>/versions", views.ReleaseViewSet.as_view({"get": "list"})),
    path("marketplace/integrations/<str:slug>/install", views.InstallView.as_view()),
    path("installations", views.InstallationViewSet.as_view({"get": "list"})),
    path("installations/<str:public_id>", views.InstallationViewSet.as_view({"get": "retrieve", "delete": "destroy"})),
    path("integrations", views.IntegrationViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "integrations/<str:public_id>",
        views.IntegrationViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("integrations/<str:public_id>/versions", views.VersionViewSet.as_view({"get": "list", "post": "create"})),
    *(
        path(f"integrations/<str:public_id>/{verb}", views.IntegrationViewSet.as_view({"post": verb}))
        for verb in ("submit", "publish", "unpublish")
    ),
]
operator_urls = [
    path("integrations", views.OperatorIntegrationViewSet.as_view({"get": "list"})),
    path("integrations/<str:public_id>", views.OperatorIntegrationViewSet.as_view({"get": "retrieve"})),
    *(
        path(f"integrations/<str:public_id>/{verb.replace('_', '-')}", views.OperatorIntegrationViewSet.as_view({"post": verb}))
        for verb in ("approve", "request_changes", "reject", "suspend", "reinstate")
    ),
]
