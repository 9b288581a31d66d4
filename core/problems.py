"""Everything that can go wrong in the API, as problem documents (RFC 9457).

A verb raises a subclass of `Problem`; the gateway and the REST framework render it by one function each. `code` is
stable, `detail` says what to do next, and each code has a page under `/developers/errors/<code>`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CONTENT_TYPE = "application/problem+json"

type_url = "/developers/errors/"


class Problem(Exception):
    """An answer that refuses: HTTP `status`, stable `code`, short `title`, `detail` with the next step.

    Keyword arguments fill the placeholders of `detail` and, where `members` names them, become members of the document.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = ""
    title: ClassVar[str | Promise] = ""
    detail: str | Promise = ""
    members: ClassVar[tuple[str, ...]] = ()

    def __init__(self, detail: str | Promise | None = None, *, headers: Mapping[str, str] | None = None, **facts: Any) -> None:
        self.facts = facts
        self.headers = dict(headers or {})
        self.given = detail
        super().__init__(str(self.said))

    @property
    def said(self) -> str:
        """The detail with its facts filled in."""
        text = str(self.given if self.given is not None else self.detail)
        return text.format(**self.facts) if self.facts else text

    def document(self, *, request_id: str, base_url: str = "") -> dict[str, Any]:
        """The problem document, ready for JSON."""
        document: dict[str, Any] = {
            "type": f"{base_url}{type_url}{self.code}",
            "title": str(self.title),
            "status": self.status,
            "detail": self.said,
            "code": self.code,
            "request_id": request_id,
        }
        document.update({name: self.facts[name] for name in self.members if name in self.facts})
        return document


class MalformedRequest(Problem):
    code = "malformed_request"
    title = _("Malformed request")
    detail = _("The request can't be read. Send well-formed JSON in UTF-8.")


class ConflictingCredentials(Problem):
    code = "conflicting_credentials"
    title = _("Conflicting credentials")
    detail = _("Two credentials were sent and they differ. Send one: either X-API-Key or Authorization.")


class Unauthorized(Problem):
    """Base of the 401 answers; carries the challenge of RFC 9110, section 11.6.1."""

    status = 401

    def __init__(self, detail: str | Promise | None = None, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.headers.setdefault("WWW-Authenticate", f'Bearer realm="portico", error="{self.code}"')


class MissingCredential(Unauthorized):
    code = "missing_credential"
    title = _("Credential missing")
    detail = _("Send your API key in the X-API-Key header, or as a Bearer token in Authorization.")


class InvalidKey(Unauthorized):
    code = "invalid_key"
    title = _("Unknown API key")
    detail = _("This is no valid API key. Check that the whole key was copied, or create a new one in the portal.")


class KeyExpired(Unauthorized):
    code = "key_expired"
    title = _("API key expired")
    detail = _("This key has passed its expiry. Create a new one, or rotate keys before they expire.")


class KeyRevoked(Unauthorized):
    code = "key_revoked"
    title = _("API key revoked")
    detail = _("This key was revoked and will not work again. Create a new one in the portal.")


class KeyDisabled(Unauthorized):
    code = "key_disabled"
    title = _("API key disabled")
    detail = _("This key is switched off. An owner, admin or developer can switch it on again in the portal.")


class InvalidSecret(Unauthorized):
    code = "invalid_secret"
    title = _("Wrong or missing API secret")
    detail = _("This key needs its secret in the X-API-Secret header, and the one sent is missing or wrong.")


class InvalidToken(Unauthorized):
    code = "invalid_token"
    title = _("Invalid access token")
    detail = _("The access token is unknown, expired or revoked. Get a new one.")


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    title = _("Not allowed")
    detail = _("Your role or credential doesn't allow this. Ask an owner or admin of your organisation.")


class IpNotAllowed(Forbidden):
    code = "ip_not_allowed"
    title = _("Address not allowed")
    detail = _("This credential can't be used from {address}. Add the address to its allowlist, or call from an allowed one.")
    members = ("address",)


class AddressBlocked(Forbidden):
    """By the operators' block list; see `core.blocks`."""

    code = "address_blocked"
    title = _("Address blocked")
    detail = _("Nothing from {address} is served here: its address or network is blocked. If that is a mistake, tell support.")
    members = ("address",)


class InsufficientScope(Forbidden):
    """RFC 6750, section 3.1."""

    code = "insufficient_scope"
    title = _("Scope missing")
    detail = _(
        "This operation needs the scope {scope}, which the credential lacks. Add it in the portal, or use one that has it."
    )
    members = ("scope",)


class PartnerSuspended(Forbidden):
    code = "partner_suspended"
    title = _("Partner suspended")
    detail = _("This partner account is suspended. The reason was mailed to its owners; support can lift it.")


class PartnerNotActive(Forbidden):
    code = "partner_not_active"
    title = _("Partner not active")
    detail = _("This partner account isn't live yet. Finish the onboarding, or use a test key meanwhile.")


class TierRequired(Forbidden):
    code = "tier_required"
    title = _("Higher tier needed")
    detail = _("This needs the tier {tier}. Ask the operators to move you there.")
    members = ("tier",)


class NotFound(Problem):
    status = 404
    code = "not_found"
    title = _("Not found")
    detail = _("There is nothing here that you can see. Check the id, and whether it belongs to the other environment.")


class MethodNotAllowed(Problem):
    status = 405
    code = "method_not_allowed"
    title = _("Method not allowed")
    detail = _("{method} isn't possible here. Possible: {allowed}.")


class NotAcceptable(Problem):
    status = 406
    code = "not_acceptable"
    title = _("No such representation")
    detail = _("The formats in Accept can't be served here. Ask for application/json.")


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = _("Conflict")
    detail = _("The request contradicts the present state. Read it again and decide anew.")


class IdempotencyInFlight(Conflict):
    code = "idempotency_in_flight"
    title = _("Same request in flight")
    detail = _("A request with this Idempotency-Key is being worked on. Wait and repeat it to get its answer.")


class OutcomeUnknown(Conflict):
    code = "outcome_unknown"
    title = _("Outcome unknown")
    detail = _(
        "An earlier request with this Idempotency-Key broke off while the upstream worked."
        " Look at the upstream before you send anew."
    )


class RequestTimeout(Problem):
    status = 408
    code = "request_timeout"
    title = _("Request timeout")
    detail = _("The request did not arrive in time. Send it again.")


class BodyTooLarge(Problem):
    status = 413
    code = "body_too_large"
    title = _("Body too large")
    detail = _("The body may have {limit} bytes at most.")
    members = ("limit",)


class UnsupportedMediaType(Problem):
    status = 415
    code = "unsupported_media_type"
    title = _("Unsupported media type")
    detail = _("Send application/json, in UTF-8.")


class ValidationError(Problem):
    """Bad input, field by field; `errors` is a list of `{"pointer", "code", "detail"}` with JSON pointers (RFC 6901)."""

    status = 422
    code = "validation_error"
    title = _("Invalid input")
    detail = _("Some of the input is invalid. See errors for each field.")
    members = ("errors",)

    def __init__(self, errors: Mapping[str, Any] | list[dict[str, str]], **facts: Any) -> None:
        listed = errors if isinstance(errors, list) else list(_flatten("", errors))
        super().__init__(**facts)
        self.facts = {"errors": listed}


class IdempotencyMismatch(Problem):
    status = 422
    code = "idempotency_mismatch"
    title = _("Idempotency-Key used for something else")
    detail = _("This Idempotency-Key was used with another request. Use a new key for a new request.")


class RateLimited(Problem):
    status = 429
    code = "rate_limited"
    title = _("Too many requests")
    detail = _("The limit of {limit} requests in {window} seconds is reached. Wait as Retry-After says.")


class ConcurrencyLimited(Problem):
    status = 429
    code = "concurrency_limited"
    title = _("Too many calls at once")
    detail = _("{limit} calls are under way already, and that is all at once on your plan. Begin the next when one has ended.")


class QuotaExceeded(Problem):
    status = 429
    code = "quota_exceeded"
    title = _("Monthly quota used up")
    detail = _("This month's {limit} calls are used up. Upgrade the plan, or wait until the month ends.")


class SpendingCapReached(Problem):
    status = 429
    code = "spending_cap_reached"
    title = _("Spending cap reached")
    detail = _("The cap you set on usage charges is reached. Raise it under Billing to go on.")


class InternalError(Problem):
    status = 500
    code = "internal_error"
    title = _("Internal error")
    detail = _("Something broke on our side and was reported. Try again; if it stays, tell support the request_id.")


class UpstreamUnavailable(Problem):
    status = 502
    code = "upstream_unavailable"
    title = _("Upstream unavailable")
    detail = _("The API behind this address can't be reached. Try again later; its owner has been told.")


class TemporarilyUnavailable(Problem):
    status = 503
    code = "temporarily_unavailable"
    title = _("Temporarily unavailable")
    detail = _("A part of the platform is not available at the moment. Try again as Retry-After says.")

    def __init__(self, detail: str | Promise | None = None, *, retry_after: int = 5, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.headers["Retry-After"] = str(retry_after)


class CircuitOpen(TemporarilyUnavailable):
    code = "upstream_paused"
    title = _("Upstream paused")
    detail = _("The API behind this address has been failing, so it is left alone for a moment. Try again as Retry-After says.")


class UpstreamTimeout(Problem):
    status = 504
    code = "upstream_timeout"
    title = _("Upstream too slow")
    detail = _("The API behind this address did not answer in time. Try again later.")


def catalogue() -> dict[str, type[Problem]]:
    """Every code that an answer can have, with its class; sorted by status and code."""
    found: dict[str, type[Problem]] = {}

    def walk(kind: type[Problem]) -> None:
        if kind.code:
            found.setdefault(kind.code, kind)
        for child in kind.__subclasses__():
            walk(child)

    walk(Problem)
    return dict(sorted(found.items(), key=lambda item: (item[1].status, item[0])))


def _flatten(pointer: str, errors: Any) -> Iterator[dict[str, str]]:
    if isinstance(errors, Mapping):
        for name, value in errors.items():
            here = pointer if name == "non_field_errors" else f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield from _flatten(here, value)
    elif isinstance(errors, list):
        for index, value in enumerate(errors):
            nested = isinstance(value, Mapping | list)
            yield from _flatten(f"{pointer}/{index}" if nested else pointer, value)
    elif errors:
        yield {"pointer": pointer, "code": getattr(errors, "code", None) or "invalid", "detail": str(errors)}
