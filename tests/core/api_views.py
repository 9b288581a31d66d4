"""Views as an app would write them, for the tests of their bases."""

from typing import Any

from django.db import OperationalError
from django.urls import path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.serializers import Strict
from core.api.views import ApiView, Created
from core.models import OperatorToken, User


class NoteSerializer(Strict):
    text = serializers.CharField(max_length=20)
    number = serializers.IntegerField(required=False)
    id = serializers.CharField(read_only=True)


class Notes(ApiView):
    """Makes a person for each note, so that an effect can be counted."""

    scopes = {"read": "notes:read", "write": "notes:write"}

    def get(self, request: Request) -> Response:
        return Response({"caller": self.caller.name})

    def post(self, request: Request) -> Response:
        body = self.read(NoteSerializer)
        user = User.objects.create_user(f"{body['text']}@example.com")
        if body.get("number") == 0:
            raise serializers.ValidationError({"number": ["Nothing can be noted about zero."]})
        return Created({"id": user.public_id, "secret": "s3cret", "text": body["text"]}, secret=("secret",))


class Broken(ApiView):
    audience = "public"

    def get(self, request: Request) -> Response:
        raise RuntimeError("a bug that names sk_private")

    def post(self, request: Request) -> Response:
        raise OperationalError("the connection is lost")


class Echo(ApiView):
    audience = "public"

    def post(self, request: Request) -> Response:
        return Response({"got": request.data})


class OperatorsOnly(ApiView):
    audience = "operator"

    def get(self, request: Request) -> Response:
        return Response({"tokens": OperatorToken.objects.count()})


def page(request: Any) -> Any:
    raise RuntimeError("a page's bug")


urlpatterns = [
    path("api/partner/v1/notes", Notes.as_view()),
    path("api/partner/v1/broken", Broken.as_view()),
    path("api/partner/v1/echo", Echo.as_view()),
    path("api/operator/v1/only", OperatorsOnly.as_view()),
]
