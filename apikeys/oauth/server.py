"""The authorization server: Authlib's grants and endpoints, standing on our rows.

Authlib reads requests and knows the rules (RFC 6749, 7636, 7009, 7662, 9207); what is issued, found and ended is done by verbs.
Stricter than it: PKCE with S256 for everyone (RFC 9700), no parameter twice, one way of authenticating, and a scope that can't be
given is refused instead of left out.
"""

from collections import defaultdict
from typing import Any

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Payload, OAuth2Request, errors, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict

from apikeys import rates
from apikeys.oauth import applications, consents, redirects, tokens
from apikeys.oauth.models import AccessToken, Application, Authorization, Consent, RefreshToken
from core import clock, crypto, ids, scopes
from core.states import swap

CONFIDENTIAL = ["client_secret_basic", "client_secret_post"]
ANY = [*CONFIDENTIAL, "none"]
TOKENS_A_MINUTE = 120
"""Of one application: tokens are good for many calls, and each is a row."""


class Payload(OAuth2Payload):  # type: ignore[misc]  # untyped there
    """The parameters of a request. Those of a form and of a query never mix (RFC 6749, sections 3.1 and 3.2)."""

    def __init__(self, given: QueryDict) -> None:
        self.given = given

    @property
    def data(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.given.items() if value}  # empty is as if left out (section 3.1)

    @property
    def datalist(self) -> "defaultdict[str, list[str]]":
        return defaultdict(list, self.given.lists())


class Request(OAuth2Request):  # type: ignore[misc]  # untyped there
    """A request as Authlib takes it. TLS is the proxy's to end, and `PORTICO_BASE_URL` must be https in production."""

    def __init__(self, request: HttpRequest, given: QueryDict) -> None:
        super().__init__(request.method or "", f"https://portico{request.path}", headers=request.headers)
        self.payload = Payload(given)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class Client(ClientMixin):  # type: ignore[misc]  # untyped there
    """An application, as Authlib asks about it."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._secret = ""

    def get_client_id(self) -> str:
        return self.application.public_id

    def get_default_redirect_uri(self) -> str | None:
        """The registered one, if there is just one (RFC 6749, section 3.1.2.3)."""
        registered = self.application.redirect_uris
        return registered[0] if len(registered) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """What is asked for, or else all that it may ask for; `checked_scopes` has looked at it."""
        return scope or " ".join(scopes.delegable(self.application.scopes))

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirects.is_registered(redirect_uri, self.application.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        self._secret = client_secret
        return self.is_still_authenticated

    @property
    def is_still_authenticated(self) -> bool:
        """Whether the secret that it sent works at this moment."""
        return applications.authenticated(application=self.application, text=self._secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """A public one says only who it is, and can't ask about tokens (RFC 7662, section 2.1)."""
        if self.application.is_public:
            return method == "none" and endpoint != IntrospectionEndpoint.ENDPOINT_NAME
        return method in CONFIDENTIAL

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.application.asks_consent

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.application.grant_types


class ClientRefused(errors.InvalidClientError):  # type: ignore[misc]  # untyped there
    """The same whether the client is unknown or its secret is wrong (RFC 6749, section 5.2; RFC 7617)."""

    status_code = 401
    description = "The client is unknown, switched off, or didn't authenticate as it must."

    def get_headers(self) -> list[tuple[str, str]]:
        return [*errors.OAuth2Error.get_headers(self), ("WWW-Authenticate", 'Basic realm="portico", charset="UTF-8"')]


class SlowDown(errors.OAuth2Error):  # type: ignore[misc]  # untyped there
    """RFC 6585, section 4, in the shape that clients of this endpoint read."""

    error = "slow_down"
    status_code = 429
    description = f"More than {TOKENS_A_MINUTE} tokens a minute. Use an access token until it expires."

    def get_headers(self) -> list[tuple[str, str]]:
        return [*super().get_headers(), ("Retry-After", "10")]


class Issuing:
    """What our grants share: tokens come from our verb."""

    request: Any

    def given(self, authorization: Authorization | None, allowed: list[str], *, renewable: bool = False) -> dict[str, Any]:
        """The answer with a new token (RFC 6749, section 5.1)."""
        application = self.request.client.application
        if not allowed:
            raise errors.InvalidGrantError("The application has none of the scopes any more.")
        if not rates.take_token(application=application, limit=TOKENS_A_MINUTE):
            raise SlowDown()
        given = tokens.give(application=application, scopes=allowed, authorization=authorization, renewable=renewable)
        answer: dict[str, Any] = {
            "access_token": given.access_token,
            "token_type": "Bearer",
            "expires_in": given.expires_in,
            "scope": " ".join(given.scopes),
        }
        return answer | ({"refresh_token": given.refresh_token} if given.refresh_token else {})

    def save_token(self, token: dict[str, Any]) -> None:
        """It is, by the verb."""


class ClientCredentials(Issuing, grants.ClientCredentialsGrant):  # type: ignore[misc]  # untyped there
    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL

    def validate_requested_scope(self) -> None:
        checked_scopes(self.request.payload.scope, self.request.client.application.scopes)

    def generate_token(self, *, scope: str | None = None, **options: Any) -> dict[str, Any]:
        """Under the application's lock: whoever revokes the secret has done so by now, or waits, and ends this token too."""
        client = self.request.client
        applications.lock(client.application)
        if not client.is_still_authenticated:
            raise ClientRefused()
        return self.given(None, checked_scopes(scope, client.application.scopes))


class AuthorizationCode(Issuing, grants.AuthorizationCodeGrant):  # type: ignore[misc]  # untyped there
    TOKEN_ENDPOINT_AUTH_METHODS = ANY

    @staticmethod
    def validate_authorization_redirect_uri(request: Request, client: Client) -> str:
        """Without repeating what was sent, which may be anything."""
        uri = request.payload.redirect_uri or client.get_default_redirect_uri()
        if not uri or not client.check_redirect_uri(uri):
            raise errors.InvalidRequestError("redirect_uri isn't registered for this application.")
        return str(uri)

    def validate_requested_scope(self) -> None:
        checked_scopes(self.request.payload.scope, scopes.delegable(self.request.client.application.scopes))

    def query_authorization_code(self, code: str, client: Client) -> Authorization | None:
        """The row is locked until the token is given, so that of two who come with one code, one gets it. The other is a
        replay: then all that came of the code ends."""
        found: Authorization | None = (
            Authorization.objects.select_for_update(of=("self",))
            .select_related("application__partner", "consent__application__partner", "consent__partner")
            .filter(digest=crypto.digest(code), application=client.application)
            .first()
        )
        if found is None or found.revoked_at is not None or found.consent.status != Consent.Status.ACTIVE:
            return None
        if found.redeemed_at is not None:
            consents.end_reused(authorization=found)
            return None
        return found if found.code_expires_at > clock.now() else None

    def authenticate_user(self, authorization_code: Authorization) -> Consent:
        return authorization_code.consent

    def generate_token(self, *, include_refresh_token: bool = True, **options: Any) -> dict[str, Any]:
        authorization = self.request.authorization_code
        allowed = sorted(set(authorization.scopes) & set(self.request.client.application.scopes))
        return self.given(authorization, allowed, renewable=include_refresh_token)

    def delete_authorization_code(self, authorization_code: Authorization) -> None:
        swap(authorization_code, where={"redeemed_at": None}, redeemed_at=clock.now())


class Renewal(Issuing, grants.RefreshTokenGrant):  # type: ignore[misc]  # untyped there
    TOKEN_ENDPOINT_AUTH_METHODS = ANY
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> RefreshToken | None:
        """As with codes: the row is locked, and a second use ends the family."""
        found: RefreshToken | None = (
            RefreshToken.objects.select_for_update(of=("self",))
            .select_related(
                "application__partner", "authorization__consent__application__partner", "authorization__consent__partner"
            )
            .filter(digest=crypto.digest(refresh_token), application=self.request.client.application)
            .first()
        )
        if found is None:
            return None
        if found.used_at is not None:
            consents.end_reused(authorization=found.authorization)
            return None
        return None if tokens.has_ended(found) or found.expires_at <= clock.now() else found

    def authenticate_user(self, refresh_token: RefreshToken) -> Consent:
        return refresh_token.authorization.consent

    def generate_token(self, *, scope: str | None = None, **options: Any) -> dict[str, Any]:
        found: RefreshToken = self.request.refresh_token
        allowed = sorted(set((scope or "").split()) & set(tokens.effective(found)))
        return self.given(found.authorization, allowed, renewable=True)

    def revoke_old_credential(self, refresh_token: RefreshToken) -> None:
        swap(refresh_token, where={"used_at": None}, used_at=clock.now())


class S256(CodeChallenge):  # type: ignore[misc]  # untyped there
    """PKCE, which nobody goes without and nobody weakens (RFC 7636, section 4.2; RFC 9700, section 2.1.1)."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if not sent.get("code_challenge") or sent.get("code_challenge_method") != "S256":
            raise errors.InvalidRequestError("Send code_challenge, with code_challenge_method=S256 (RFC 7636).")
        super().validate_code_challenge(grant, redirect_uri)


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # untyped there
    """RFC 7009: 200 for whatever was no token of this client, too."""

    CLIENT_AUTH_METHODS = ANY

    def authenticate_token(self, request: Request, client: Client) -> AccessToken | RefreshToken | None:
        return token_of(request, client)

    def revoke_token(self, token: AccessToken | RefreshToken, request: Request) -> None:
        tokens.end(token=token)


class Introspection(IntrospectionEndpoint):  # type: ignore[misc]  # untyped there
    """RFC 7662, for an application about its own tokens; of others' it learns nothing."""

    CLIENT_AUTH_METHODS = CONFIDENTIAL

    def authenticate_token(self, request: Request, client: Client) -> AccessToken | RefreshToken | None:
        return token_of(request, client)

    def create_introspection_payload(self, token: AccessToken | RefreshToken | None) -> dict[str, Any]:
        if token is None or not tokens.is_live(token):
            return {"active": False}
        is_access = isinstance(token, AccessToken)
        partner = tokens.acts_for(token)
        told: dict[str, Any] = {
            "active": True,
            "iss": tokens.issuer(),
            "client_id": token.application.public_id,
            "sub": partner.public_id if token.authorization else token.application.public_id,
            "scope": " ".join(tokens.effective(token)),
            "iat": int(token.created_at.timestamp()),
            "exp": int(token.expires_at.timestamp()),
            "partner_id": partner.public_id,
            "environment": token.application.environment,
        }
        if not is_access:
            return told | {"token_type": "refresh_token"}
        return told | {
            "token_type": "Bearer",
            "aud": tokens.audience(),
            "jti": ids.encode(AccessToken.id_prefix, token.pk),
        }


ADVICE = {
    "invalid_grant": "It is unknown, used up, expired, ended, or another client's. Start again at the consent.",
    "unauthorized_client": "The application may not get tokens in this way: see grant_types in its settings.",
    "unsupported_grant_type": "Use client_credentials, authorization_code or refresh_token.",
}
"""What to do about errors that the protocol's library only names."""


class Server(AuthorizationServer):  # type: ignore[misc]  # untyped there
    """The one of this installation."""

    def __init__(self) -> None:
        super().__init__()
        self.register_grant(ClientCredentials)
        self.register_grant(AuthorizationCode, [S256(required=True)])
        self.register_grant(Renewal)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)

    def query_client(self, client_id: str) -> Client | None:
        """The client that this names, if it works: its maker must be in good standing."""
        found = Application.objects.select_related("partner__tier").public(client_id).usable().first()
        return Client(found) if found is not None and tokens.may_serve(found) else None

    def authenticate_client(self, request: Request, methods: list[str], endpoint: str = "token") -> Client:
        """One way of authenticating, and one client (RFC 6749, section 2.3)."""
        authorization = request.headers.get("Authorization", "")
        named = request.payload.client_id
        if authorization and "client_secret" in request.form:
            raise errors.InvalidRequestError("Authenticate in one way: in the Authorization header, or in the form.")
        try:
            client: Client = super().authenticate_client(request, methods, endpoint)
        except (errors.InvalidClientError, UnicodeDecodeError) as error:
            raise ClientRefused() from error
        if named and named != client.get_client_id():
            raise errors.InvalidRequestError("client_id names another client than the one that authenticated.")
        request.client = client  # scopes are looked at against it
        return client

    def create_oauth2_request(self, request: Request) -> Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> HttpResponse:
        response = JsonResponse(body or {}, status=status)
        for name, value in headers:
            response[name] = value
        return response

    def handle_error_response(self, request: Request, error: errors.OAuth2Error) -> HttpResponse:
        error.description = error.description or ADVICE.get(error.error, "")
        response: HttpResponse = super().handle_error_response(request, error)
        return response

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens: verbs emit events."""


SERVER = Server()


def checked_scopes(asked: str | None, allowed: list[str]) -> list[str]:
    """The scopes that are asked for, by default all that are allowed. Raises InvalidScopeError for any other."""
    wanted = sorted(set((asked or "").split())) or sorted(allowed)
    beyond = sorted(set(wanted) - set(allowed))
    if beyond or not wanted:
        raise errors.InvalidScopeError("The application may not ask for these scopes here: see scope in its settings.")
    return wanted


def token_response(form: Request) -> HttpResponse:
    """A token for what the form shows, or why not. To name no grant is not the mistake of naming an unknown one (section 5.2)."""
    unnamed = errors.InvalidRequestError("Missing 'grant_type' in request.")
    answer: HttpResponse = (
        SERVER.create_token_response(form) if form.form.get("grant_type") else SERVER.handle_error_response(form, unnamed)
    )
    return answer


def token_of(request: Request, client: Client) -> AccessToken | RefreshToken | None:
    """The token that a form names, if it is this client's; `token_type_hint` isn't needed to tell them apart."""
    text = request.form.get("token")
    if text is None:
        raise errors.InvalidRequestError("Missing 'token' in request.")
    found = tokens.find(text)
    return found if found is not None and found.application_id == client.application.pk else None


def redirect_with(uri: str, **parameters: str) -> str:
    """The redirect address with these parameters, and who answers (RFC 9207)."""
    sent = [(name, value) for name, value in {**parameters, "iss": tokens.issuer()}.items() if value]
    return str(add_params_to_uri(uri, sent))
