"""The marketplace's pages: public ones, and those of a partner."""

from django.urls import path

from marketplace import public, views

app_name = "marketplace"

urlpatterns = [
    path("marketplace/", public.home, name="home"),
    path("marketplace/<slug:integration>/", public.integration, name="integration"),
    path("p/<slug:slug>/integrations/", views.integration_list, name="integrations"),
    path("p/<slug:slug>/integrations/new/", views.create, name="create"),
    path("p/<slug:slug>/integrations/<str:public_id>/", views.detail, name="detail"),
    path("p/<slug:slug>/integrations/<str:public_id>/delete/", views.delete, name="delete"),
    *(
        path(f"p/<slug:slug>/integrations/<str:public_id>/{verb}/", views.act, {"verb": verb}, name="act")
        for verb in ("submit", "publish", "unpublish")
    ),
    path("p/<slug:slug>/installed/", views.installation_list, name="installations"),
    path("p/<slug:slug>/installed/<str:public_id>/", views.installation, name="installation"),
    path("p/<slug:slug>/installed/<str:public_id>/uninstall/", views.uninstall, name="uninstall"),
    path("p/<slug:slug>/install/<slug:integration>/", views.install, name="install"),
]
