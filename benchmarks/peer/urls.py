from django.urls import path
from peer.models import Usage
from rest_framework.permissions import BasePermission
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView
from rest_framework_api_key.permissions import HasAPIKey


class KeyThrottle(SimpleRateThrottle):
    scope = "key"

    def get_cache_key(self, request, view):
        return self.cache_format % {"scope": self.scope, "ident": HasAPIKey().get_key(request).partition(".")[0]}


class AuthorizeView(APIView):
    permission_classes: list[type[BasePermission]] = [HasAPIKey]
    throttle_classes = [KeyThrottle]

    def get(self, request):
        prefix = HasAPIKey().get_key(request).partition(".")[0]
        Usage.objects.create(prefix=prefix, path=request.headers.get("X-Original-URI", ""), status=204)
        return Response(status=204)


urlpatterns = [path("authorize", AuthorizeView.as_view())]
