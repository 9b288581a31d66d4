"""The endpoints of OAuth 2.0. They speak as its RFCs say: forms in, RFC 6749's errors out, never a problem document of ours."""

from typing import Any, ClassVar

from authlib.oauth2.rfc6749 import errors
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.api.oauth_serializers import (
    IntrospectionSerializer,
    JwksSerializer,
    MetadataSerializer,
    NamedTokenSerializer,
    OAuthErrorSerializer,
    TokenRequestSerializer,
    TokenSerializer,
)
from apikeys.models import GrantType
from apikeys.oauth import server, signing_keys, tokens
from core.api.views import ApiView
from core.scopes import known

FORM = "application/x-www-form-urlencoded"
# RFC 9700, section 2.6: what public clients in browsers ask for themselves. No cookie counts here, so any origin may.
FOR_BROWSERS = {"Access-Control-Allow-Origin": "*"}
CACHED = {"Cache-Control": f"public, max-age={int(signing_keys.KEPT.total_seconds())}", **FOR_BROWSERS}
API = "/api/partner/v1"


class FormView(ApiView):
    """An endpoint for OAuth clients: a form, each parameter once, nothing in the query (RFC 6749, section 3.2)."""

    audience = "public"
    heeds_idempotency_key = False
    parser_classes = [FormParser]
    more_headers: ClassVar[dict[str, str]] = {}

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Whatever Accept says, the answer is JSON."""
        return super().perform_content_negotiation(request, force=True)

    def answered(self, request: Request, answer: Any) -> HttpResponse:
        """The `answer` to the form, with its effects; also those of a refusal, which may have ended what was used twice."""
        http = request._request
        is_form = http.content_type == FORM
        form = server.Request(http, http.POST if is_form else QueryDict())
        try:
            if not is_form:
                raise errors.InvalidRequestError(f"Send a form: {FORM}.")
            if http.GET:
                raise errors.InvalidRequestError("Send parameters in the form, none in the query.")
            if any(len(values) > 1 for values in form.payload.datalist.values()):
                raise errors.InvalidRequestError("A parameter was sent twice.")
        except errors.OAuth2Error as error:
            return self._unstored(server.SERVER.handle_error_response(form, error))
        with transaction.atomic():
            return self._unstored(answer(form))

    def _unstored(self, response: HttpResponse) -> HttpResponse:
        for name, value in ({"Cache-Control": "no-store"} | self.more_headers).items():
            response[name] = value
        return response


class TokenView(FormView):
    """RFC 6749, section 3.2."""

    more_headers = FOR_BROWSERS

    @extend_schema(
        operation_id="getToken",
        summary="Get an access token",
        tags=["auth"],
        request={FORM: TokenRequestSerializer},
        responses={200: TokenSerializer, 400: OAuthErrorSerializer, 401: OAuthErrorSerializer},
        examples=[
            OpenApiExample(
                "Client credentials",
                {"grant_type": "client_credentials", "scope": "requests:read"},
                request_only=True,
            ),
            OpenApiExample(
                "A token",
                {"access_token": "eyJ…", "token_type": "Bearer", "expires_in": 900, "scope": "requests:read"},
                response_only=True,
                status_codes=["200"],
            ),
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        """For the client credentials, for a code that a partner's consent gave, or for a refresh token, which is replaced by
        the one in the answer. Authenticate with HTTP Basic or with `client_id` and `client_secret` in the form."""
        return self.answered(request, server.token_response)


class RevokeView(FormView):
    """RFC 7009."""

    more_headers = FOR_BROWSERS

    @extend_schema(
        operation_id="revokeToken",
        summary="End a token",
        tags=["auth"],
        request={FORM: NamedTokenSerializer},
        responses={200: None, 400: OAuthErrorSerializer, 401: OAuthErrorSerializer},
    )
    def post(self, request: Request) -> HttpResponse:
        """From the next call on; a refresh token takes all tokens of the same consent page with it. 200 also for what is no
        token of yours."""
        return self.answered(request, lambda form: server.SERVER.create_endpoint_response("revocation", form))


class IntrospectView(FormView):
    """RFC 7662."""

    @extend_schema(
        operation_id="introspectToken",
        summary="Ask about a token",
        tags=["auth"],
        request={FORM: NamedTokenSerializer},
        responses={200: IntrospectionSerializer, 400: OAuthErrorSerializer, 401: OAuthErrorSerializer},
        examples=[OpenApiExample("Not active, or not yours", {"active": False}, response_only=True, status_codes=["200"])],
    )
    def post(self, request: Request) -> HttpResponse:
        """Whether a token that your application was given works now. Of all others the answer is only that it doesn't."""
        return self.answered(request, lambda form: server.SERVER.create_endpoint_response("introspection", form))


class MetadataView(ApiView):
    """RFC 8414."""

    audience = "public"

    @extend_schema(
        operation_id="getAuthorizationServer",
        summary="Where everything of OAuth is",
        tags=["auth"],
        responses=MetadataSerializer,
    )
    def get(self, request: Request) -> Response:
        """What OAuth clients configure themselves by."""
        base = settings.BASE_URL
        methods = server.ANY
        return Response(
            {
                "issuer": tokens.issuer(),
                "authorization_endpoint": base + reverse("oauth:authorize"),
                "token_endpoint": f"{base}{API}/auth/token",
                "jwks_uri": f"{base}/.well-known/jwks.json",
                "revocation_endpoint": f"{base}{API}/auth/revoke",
                "introspection_endpoint": f"{base}{API}/auth/introspect",
                "scopes_supported": sorted(known()),
                "response_types_supported": ["code"],
                "response_modes_supported": ["query"],
                "grant_types_supported": list(GrantType.values),
                "token_endpoint_auth_methods_supported": methods,
                "revocation_endpoint_auth_methods_supported": methods,
                "introspection_endpoint_auth_methods_supported": server.CONFIDENTIAL,
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": True,
                "service_documentation": f"{base}/developers/oauth/",
            },
            headers=CACHED,
        )


class JwksView(ApiView):
    """RFC 7517, section 5."""

    audience = "public"

    @extend_schema(operation_id="getJwks", summary="Keys that sign access tokens", tags=["auth"], responses=JwksSerializer)
    def get(self, request: Request) -> Response:
        """The public halves of the keys: the current one, the next a day before it begins, and past ones while tokens of theirs
        may be about."""
        signing_keys.current()  # makes the first
        return Response({"keys": signing_keys.published()}, headers=CACHED)
