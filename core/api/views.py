"""Bases of API views: who may call, idempotency, tenancy. Subclasses translate, and nothing else."""

from functools import cached_property
from typing import Any, ClassVar, Literal

from django.apps import apps
from django.http import HttpResponse, HttpResponseBase
from rest_framework import generics, serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import idempotency, problems
from core.actors import Actor
from core.api.authentication import Caller

Audience = Literal["partner", "operator", "public"]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Created(Response):
    """201. `secret` names the fields that are shown in this answer only and left out of the stored one."""

    def __init__(self, data: Any, *, secret: tuple[str, ...] = (), status: int = 201, **kwargs: Any) -> None:
        super().__init__(data, status=status, **kwargs)
        self.secret = secret


class ApiView(APIView):
    """A view of the API. `scopes` maps an action's name, or `read` and `write`, to the scope it needs."""

    audience: ClassVar[Audience] = "partner"
    scopes: ClassVar[dict[str, str]] = {}
    heeds_idempotency_key: ClassVar[bool] = True

    request: Request

    @classmethod
    def scope_for(cls, method: str, action: str | None) -> str | None:
        """The scope that an operation needs; None where a credential is enough or nothing is needed."""
        if action and action in cls.scopes:
            return cls.scopes[action]
        return cls.scopes.get("read" if method in SAFE else "write")

    @property
    def caller(self) -> Caller:
        """Who calls."""
        caller: Any = self.request.user
        assert isinstance(caller, Caller)  # noqa: S101  (GatewayIdentity is the only authentication class)
        return caller

    @property
    def actor(self) -> Actor:
        """The caller, for verbs."""
        return self.caller.actor

    @cached_property
    def partner(self) -> Any:
        """The calling partner's row; for a partner's view only."""
        return apps.get_model("partners", "Partner")._base_manager.select_related("tier").get(pk=str(self.caller.partner_id))

    def read(self, serializer: type[serializers.BaseSerializer[Any]], **kwargs: Any) -> Any:
        """The validated body. Raises ValidationError."""
        reader = serializer(data=self.request.data, context={"view": self, "request": self.request}, **kwargs)
        reader.is_valid(raise_exception=True)
        return reader.validated_data

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """As the framework's, with the answer to a POST that has an Idempotency-Key stored with its effect."""
        self.args, self.kwargs = args, kwargs
        request = self.initialize_request(request, *args, **kwargs)
        self.request = request
        self.headers = self.default_response_headers
        try:
            self.initial(request, *args, **kwargs)
            known = (request.method or "").lower() in self.http_method_names
            handler = getattr(self, (request.method or "").lower(), None) if known else None
            if handler is None:
                raise problems.MethodNotAllowed(
                    method=request.method, allowed=", ".join(self.allowed_methods), headers=self._allow()
                )
            key = request.headers.get("Idempotency-Key")
            if request.method == "POST" and key is not None and self.heeds_idempotency_key:
                return self._once(key, handler, *args, **kwargs)
            response = handler(request, *args, **kwargs)
        except Exception as error:
            response = self.handle_exception(error)
        self.response = self.finalize_response(request, response, *args, **kwargs)
        return self.response

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """As the framework's; what was asked for with a credential is kept by no cache, which may not know X-API-Key."""
        final = super().finalize_response(request, response, *args, **kwargs)
        if self.audience != "public":
            final.headers.setdefault("Cache-Control", "no-store")
        return final

    def _once(self, key: str, handler: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request = self.request

        def work() -> idempotency.Answer:
            response: Any = self.finalize_response(request, handler(request, *args, **kwargs), *args, **kwargs)
            response.render()
            storable = response.content
            hidden: tuple[str, ...] = getattr(response, "secret", ())
            if hidden:
                shown = {name: value for name, value in response.data.items() if name not in hidden}
                storable = response.accepted_renderer.render(shown, response.accepted_media_type, response.renderer_context)
            headers = {name: value for name, value in response.items() if name in {"Content-Type", "Location", "Cache-Control"}}
            return idempotency.Answer(response.status_code, headers, response.content, storable)

        body = request._request.body
        mark = idempotency.fingerprint(request.method or "", request._request.get_full_path(), body)
        answer = idempotency.once(caller=self.caller.name, key=key, request=mark, work=work)
        return HttpResponse(answer.body, status=answer.status, headers=answer.told)

    def _allow(self) -> dict[str, str]:
        return {"Allow": ", ".join(self.allowed_methods)}


class ApiViewSet(ApiView, viewsets.ViewSetMixin, generics.GenericAPIView[Any]):
    """A resource with list, detail and actions. Rows are addressed by public id."""

    lookup_field = "public_id"
    lookup_value_regex = "[^/]+"
    action: str

    def get_object(self) -> Any:
        """The row that the path names, among those that the caller can see; NotFound for any other."""
        found = self.filter_by_public_id(self.get_queryset())
        if found is None:
            raise problems.NotFound()
        return found

    def filter_by_public_id(self, queryset: Any) -> Any:
        """The row of this public id, or None."""
        return queryset.public(self.kwargs["public_id"]).first()

    def listed(self, queryset: Any | None = None) -> Response:
        """A page of the filtered rows."""
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset() if queryset is None else queryset))
        paginator: Any = self.paginator
        response: Response = paginator.get_paginated_response(self.get_serializer(rows, many=True).data)
        return response


class PartnerViewSet(ApiViewSet):
    """A resource that partners own: only the caller's rows, of its environment."""

    audience = "partner"

    def get_queryset(self) -> Any:
        queryset: Any = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset.none()
        return queryset.for_caller(self.caller.partner_id, self.caller.environment)


class OperatorViewSet(ApiViewSet):
    """A resource of the operator API: all partners' rows, for operators' tokens only."""

    audience = "operator"


class ListMixin:
    """`GET /things`."""

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.listed()  # type: ignore[attr-defined,no-any-return]  # mixed into a view set


class RetrieveMixin:
    """`GET /things/{id}`."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)  # type: ignore[attr-defined]  # mixed into a view set
