from django.urls import path

from products.requests.api.views import OperatorRequestViewSet, RequestViewSet

partner_urls = [
    path("requests", RequestViewSet.as_view({"get": "list", "post": "create"})),
    path("requests/<str:public_id>", RequestViewSet.as_view({"get": "retrieve"})),
]
operator_urls = [
    path("requests", OperatorRequestViewSet.as_view({"get": "list"})),
    path("requests/<str:public_id>", OperatorRequestViewSet.as_view({"get": "retrieve"})),
    *(
        path(f"requests/<str:public_id>/{verb}", OperatorRequestViewSet.as_view({"post": verb}))
        for verb in ("claim", "progress", "complete", "fail")
    ),
]
