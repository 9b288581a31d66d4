"""How the API describes itself: drf-spectacular's settings, with the names of enumerations that several fields share."""

SPECTACULAR_SETTINGS = {
    "TITLE": "Portico API",
    "DESCRIPTION": (
        "The API of this partner programme and marketplace: one door, one set of credentials, one way to fail. "
        "Send your key as `X-API-Key`; lists have `limit` and `cursor`; refusals are problem documents (RFC 9457); "
        "a POST with an `Idempotency-Key` is safe to repeat. The page of basics, `/developers/guide/`, says it in full."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SCHEMA_PATH_PREFIX": "/api/(partner|operator)/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "PartnerStatusEnum": "partners.models.Partner.Status",
        "DocumentKindEnum": "partners.models.DocumentKind",
        "DocumentStateEnum": "partners.models.Document.State",
        "OnboardingStatusEnum": ["in_progress", "in_review", "changes_requested", "rejected", "complete"],
        "OnboardingStepStateEnum": ["done", "current", "todo", "waiting", "not_required"],
        "VerificationStateEnum": "partners.standing.State",
        "RoleEnum": "partners.permissions.Role",
        "InvitationStatusEnum": ["pending", "expired", "accepted", "revoked"],
        "TierRequestStatusEnum": "partners.models.TierRequest.Status",
        "ApplicationKindEnum": "apikeys.models.Application.Kind",
        "ApplicationStatusEnum": "apikeys.models.Application.Status",
        "ConsentStatusEnum": "apikeys.models.Consent.Status",
        "GrantTypeEnum": "apikeys.models.GrantType",
        "KeyStatusEnum": ["active", "disabled", "suspended", "leaked", "revoked", "expired"],
        "IntegrationStatusEnum": "marketplace.models.Integration.Status",
        "WebhookStatusEnum": "webhooks.models.Endpoint.Status",
        "DeliveryStatusEnum": "webhooks.models.Delivery.Status",
        "ReplayStatusEnum": "webhooks.models.Replay.Status",
        "InvoiceStatusEnum": "billing.models.Invoice.Status",
        "PayoutStatusEnum": "billing.models.Payout.Status",
        "RequestStatusEnum": "products.requests.models.Request.Status",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "core.api.schema.describe_problems"],
}
