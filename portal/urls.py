"""Pages at the root, and those under `/p/<slug>/` that are made of several apps."""

from django.conf import settings
from django.contrib.sitemaps import views as map_views
from django.urls import path

from portal import audit_log, dashboard, products, requests, showcase, sitemaps, styleguide, views

app_name = "portal"

urlpatterns = [
    path("", views.landing, name="landing"),
    path("theme", views.theme, name="theme"),
    path("robots.txt", sitemaps.robots, name="robots"),
    path("sitemap.xml", map_views.index, {"sitemaps": sitemaps.SITEMAPS, "sitemap_url_name": "portal:sitemap"}, name="sitemaps"),
    path("sitemap-<section>.xml", map_views.sitemap, {"sitemaps": sitemaps.SITEMAPS}, name="sitemap"),
    path("styleguide", styleguide.styleguide, name="styleguide"),
    path("partners", showcase.showcase, name="showcase"),
    path("partners/<slug:slug>", showcase.profile, name="profile"),
    path("p/", views.home, name="home"),
    path("p/<slug:slug>/", dashboard.dashboard, name="dashboard"),
    path("p/<slug:slug>/activity/", audit_log.activity, name="activity"),
    path("p/<slug:slug>/activity/export.<str:form>", audit_log.export, name="activity_export"),
    path("p/<slug:slug>/activity/verify", audit_log.verify, name="activity_verify"),
    path("p/<slug:slug>/environment", dashboard.environment, name="environment"),
    path("p/<slug:slug>/apis/", products.product_list, name="products"),
    path("p/<slug:slug>/apis/<slug:product>", products.product_detail, name="product"),
    path("p/<slug:slug>/profile/preview", showcase.preview, name="profile_preview"),
    path("p/<slug:slug>/requests/", requests.request_list, name="requests"),
    path("p/<slug:slug>/requests/<str:public_id>", requests.request_detail, name="request"),
]

if settings.DEMO:
    from portal import outbox

    urlpatterns += [
        path("demo/mail", outbox.index, name="mail"),
        path("demo/mail/<str:name>", outbox.message, name="mail_message"),
        path("demo/mail/<str:name>/html", outbox.html, name="mail_html"),
    ]
