"""OAuth on the wire: applications and consents as ours, tokens and metadata as the RFCs name them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apikeys.api.serializers import Scopes
from apikeys.models import Application, ClientSecret, Consent, GrantType
from apikeys.oauth import applications
from core import ids
from core.api.serializers import Strict, StrictModel


class ClientSecretSerializer(StrictModel):
    """A client secret, without itself."""

    class Meta:
        model = ClientSecret
        fields: list[str] = ["id", "hint", "expires_at", "created_at", "last_used_at"]
        read_only_fields = fields


class ApplicationSerializer(StrictModel):
    """An application. `secrets` are the client secrets that work now."""

    client_id = serializers.CharField(source="public_id", read_only=True)
    grant_types = serializers.ListField(child=serializers.ChoiceField(GrantType.choices), read_only=True)
    secrets = serializers.SerializerMethodField()

    class Meta:
        model = Application
        fields: list[str] = [
            "id",
            "client_id",
            "name",
            "environment",
            "kind",
            "grant_types",
            "scopes",
            "redirect_uris",
            "ip_allowlist",
            "rate_limit_per_minute",
            "status",
            "secrets",
            "created_at",
            "last_used_at",
        ]
        read_only_fields = fields

    @extend_schema_field(ClientSecretSerializer(many=True))
    def get_secrets(self, application: Application) -> Any:
        usable = [secret for secret in application.secrets.all() if secret.is_usable]
        return ClientSecretSerializer(usable, many=True).data


class IssuedApplicationSerializer(ApplicationSerializer):
    """An application just made, or its new secret: `client_secret` is in this answer only; a public one has none."""

    client_secret = serializers.CharField(required=False)

    class Meta(ApplicationSerializer.Meta):
        fields = [*ApplicationSerializer.Meta.fields, "client_secret"]
        read_only_fields = fields

    def to_representation(self, issued: applications.Issued) -> Any:
        shown = ApplicationSerializer(issued.application).data
        return {**shown, **({"client_secret": issued.secret} if issued.secret else {})}


class ApplicationSettingsSerializer(Strict):
    """What of an application can be changed."""

    name = serializers.CharField(max_length=80, required=False)
    grant_types = serializers.ListField(child=serializers.ChoiceField(GrantType.choices), required=False, max_length=3)
    scopes = Scopes(required=False, min_length=1, max_length=100)
    redirect_uris = serializers.ListField(child=serializers.CharField(max_length=500), required=False, max_length=10)
    ip_allowlist = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    rate_limit_per_minute = serializers.IntegerField(required=False, allow_null=True)


class NewApplicationSerializer(ApplicationSettingsSerializer):
    """The body that makes an application."""

    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(Application.Kind.choices, default=Application.Kind.CONFIDENTIAL)
    grant_types = serializers.ListField(child=serializers.ChoiceField(GrantType.choices), min_length=1, max_length=3)
    scopes = Scopes(min_length=1, max_length=100)


class RotateClientSecretSerializer(Strict):
    """How long earlier client secrets work on."""

    grace_seconds = serializers.IntegerField(min_value=0, max_value=366 * 86_400, default=86_400)


class ConsentSerializer(StrictModel):
    """An application of another partner that may act for you."""

    application_id = serializers.SerializerMethodField()
    application = serializers.CharField(source="application.name", read_only=True)
    maker = serializers.CharField(source="application.partner.name", read_only=True)

    class Meta:
        model = Consent
        fields: list[str] = [
            "id",
            "application_id",
            "application",
            "maker",
            "environment",
            "scopes",
            "status",
            "created_at",
            "last_used_at",
        ]
        read_only_fields = fields

    def get_application_id(self, consent: Consent) -> str:
        return ids.encode(Application.id_prefix, consent.application_id)


class TokenRequestSerializer(serializers.Serializer[Any]):
    """The form of RFC 6749: what it needs depends on `grant_type`."""

    grant_type = serializers.ChoiceField(GrantType.choices)
    client_id = serializers.CharField(required=False, help_text="Unless sent with HTTP Basic.")
    client_secret = serializers.CharField(required=False, help_text="Unless sent with HTTP Basic, or the client is public.")
    scope = serializers.CharField(required=False, help_text="Scopes, separated by blanks; without it all that may be given.")
    code = serializers.CharField(required=False, help_text="For `authorization_code`.")
    redirect_uri = serializers.CharField(required=False, help_text="For `authorization_code`: as it was asked with.")
    code_verifier = serializers.CharField(required=False, help_text="For `authorization_code` (RFC 7636).")
    refresh_token = serializers.CharField(required=False, help_text="For `refresh_token`.")


class TokenSerializer(serializers.Serializer[Any]):
    """RFC 6749, section 5.1."""

    access_token = serializers.CharField()
    token_type = serializers.ChoiceField(["Bearer"])
    expires_in = serializers.IntegerField(help_text="Seconds.")
    scope = serializers.CharField()
    refresh_token = serializers.CharField(required=False)


class OAuthErrorSerializer(serializers.Serializer[Any]):
    """RFC 6749, section 5.2."""

    error = serializers.CharField()
    error_description = serializers.CharField(required=False)


class NamedTokenSerializer(serializers.Serializer[Any]):
    """The token that is meant."""

    token = serializers.CharField()
    token_type_hint = serializers.CharField(required=False, help_text="Not needed.")
    client_id = serializers.CharField(required=False)
    client_secret = serializers.CharField(required=False)


class IntrospectionSerializer(serializers.Serializer[Any]):
    """RFC 7662, section 2.2; only `active` where it is false."""

    active = serializers.BooleanField()
    scope = serializers.CharField(required=False)
    client_id = serializers.CharField(required=False)
    token_type = serializers.CharField(required=False)
    sub = serializers.CharField(required=False)
    aud = serializers.CharField(required=False)
    iss = serializers.CharField(required=False)
    jti = serializers.CharField(required=False)
    iat = serializers.IntegerField(required=False)
    exp = serializers.IntegerField(required=False)
    partner_id = serializers.CharField(required=False)
    environment = serializers.CharField(required=False)


class MetadataSerializer(serializers.Serializer[Any]):
    """RFC 8414, section 2."""

    issuer = serializers.CharField()
    authorization_endpoint = serializers.CharField()
    token_endpoint = serializers.CharField()
    jwks_uri = serializers.CharField()
    revocation_endpoint = serializers.CharField()
    introspection_endpoint = serializers.CharField()
    scopes_supported = serializers.ListField(child=serializers.CharField())
    response_types_supported = serializers.ListField(child=serializers.CharField())
    response_modes_supported = serializers.ListField(child=serializers.CharField())
    grant_types_supported = serializers.ListField(child=serializers.CharField())
    token_endpoint_auth_methods_supported = serializers.ListField(child=serializers.CharField())
    revocation_endpoint_auth_methods_supported = serializers.ListField(child=serializers.CharField())
    introspection_endpoint_auth_methods_supported = serializers.ListField(child=serializers.CharField())
    code_challenge_methods_supported = serializers.ListField(child=serializers.CharField())
    authorization_response_iss_parameter_supported = serializers.BooleanField()
    service_documentation = serializers.CharField()


class JwkSerializer(serializers.Serializer[Any]):
    """RFC 7517, section 4."""

    kty = serializers.CharField()
    kid = serializers.CharField()
    use = serializers.CharField()
    alg = serializers.CharField()
    n = serializers.CharField()
    e = serializers.CharField()


class JwksSerializer(serializers.Serializer[Any]):
    """RFC 7517, section 5."""

    keys = JwkSerializer(many=True)
