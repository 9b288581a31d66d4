"""Keys on the wire."""

import ipaddress
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apikeys import keys
from apikeys.models import Key
from apikeys.oauth import tokens
from core.api.serializers import Strict, StrictModel
from core.models import Environment


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class Scopes(serializers.ListField):
    """Names of scopes; which of them exist is the verb's to say."""

    child = serializers.CharField(max_length=64)


class KeySerializer(StrictModel):
    """A key, without what only its first answer shows. `prefix` is how it begins, `hint` what to recognise it by."""

    status = serializers.ChoiceField(
        ["active", "disabled", "suspended", "leaked", "revoked", "expired"], source="state", read_only=True
    )
    prefix = serializers.SerializerMethodField()
    require_secret = serializers.SerializerMethodField()
    successor = serializers.CharField(source="successor_public_id", read_only=True, allow_null=True)

    class Meta:
        model = Key
        fields: list[str] = [
            "id",
            "name",
            "environment",
            "prefix",
            "hint",
            "scopes",
            "status",
            "ip_allowlist",
            "rate_limit_per_minute",
            "require_secret",
            "expires_at",
            "successor",
            "created_at",
            "first_used_at",
            "last_used_at",
            "last_used_address",
            "last_used_agent",
        ]
        read_only_fields = fields

    def get_prefix(self, key: Key) -> str:
        return keys.PREFIXES[Environment(key.environment)]

    def get_require_secret(self, key: Key) -> bool:
        return key.secret_digest is not None


class IssuedKeySerializer(KeySerializer):
    """What was just made is in this answer only: `key`, and `secret` where it was asked for; after `rotate-secret` that alone."""

    key = serializers.CharField(required=False)
    secret = serializers.CharField(required=False)

    class Meta(KeySerializer.Meta):
        fields = [*KeySerializer.Meta.fields, "key", "secret"]

    def to_representation(self, issued: keys.Issued) -> Any:
        shown = KeySerializer(issued.key).data
        made = {"key": issued.text, "secret": issued.secret}
        return {**shown, **{name: text for name, text in made.items() if text}}


class KeySettingsSerializer(Strict):
    """What of a key can be changed."""

    name = serializers.CharField(max_length=80, required=False)
    scopes = Scopes(required=False, min_length=1, max_length=100)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)
    ip_allowlist = serializers.ListField(child=serializers.CharField(max_length=60), required=False)
    rate_limit_per_minute = serializers.IntegerField(required=False, allow_null=True)


class NewKeySerializer(KeySettingsSerializer):
    """The body that makes a key. Without `environment` it is the caller's."""

    name = serializers.CharField(max_length=80)
    environment = serializers.ChoiceField(Environment.choices, required=False)
    require_secret = serializers.BooleanField(default=False)


class RotateSerializer(Strict):
    """How long the old key works on."""

    grace_seconds = serializers.IntegerField(min_value=0, max_value=366 * 86_400, default=86_400)


class LeakSerializer(Strict):
    """A credential that was found in the open (a key, a client secret, or a token), and where: `url` is shown to its owner,
    `note` to us alone."""

    key = serializers.CharField(max_length=tokens.LONGEST)
    url = serializers.CharField(max_length=2_000, required=False, allow_blank=True)
    note = serializers.CharField(max_length=1_000, required=False, allow_blank=True)


class FindingSerializer(serializers.Serializer[Any]):
    """A credential as secret scanners report it; further fields are taken and ignored."""

    token = serializers.CharField(max_length=tokens.LONGEST)
    type = serializers.CharField(required=False)
    url = serializers.CharField(required=False, allow_blank=True)
    source: Any = serializers.CharField(required=False)


class AcceptedSerializer(Strict):
    """The same whatever was sent."""

    status = serializers.CharField(read_only=True)


class ScopeSerializer(Strict):
    """A scope, in plain words, and what it is about."""

    name = serializers.CharField(read_only=True)
    description = serializers.CharField(read_only=True)
    group = serializers.CharField(read_only=True)


class ScopeListSerializer(Strict):
    """All scopes, on one page."""

    data: Any = ScopeSerializer(many=True, read_only=True)
    next_cursor = serializers.CharField(read_only=True, allow_null=True)


class ConfirmSerializer(Strict):
    """The token of the link in the confirmation mail."""

    token = serializers.CharField(max_length=500)


class ConfirmedSerializer(Strict):
    """The partner, and a test key that is shown in this answer only."""

    partner_id = serializers.CharField(read_only=True)
    slug = serializers.CharField(read_only=True)
    key_id = serializers.CharField(read_only=True)
    key = serializers.CharField(read_only=True)


class NewPartnerSerializer(Strict):
    """A partner that an operator makes."""

    name = serializers.CharField(max_length=120)
    scopes = Scopes(default=["requests:read", "requests:write"], min_length=1, max_length=100)


class NewPartnerAnswerSerializer(Strict):
    """Its id, and a live key that is shown in this answer only."""

    id = serializers.CharField(read_only=True)
    name = serializers.CharField(read_only=True)
    apiKey = serializers.CharField(read_only=True)


class VerifySerializer(Strict):
    """A key to judge: for an operation with this scope, from this address, that counts as `cost` calls."""

    key = serializers.CharField(max_length=tokens.LONGEST, help_text="A key, or an access token.")
    secret = serializers.CharField(max_length=200, required=False)
    scope = serializers.CharField(max_length=64, required=False)
    ip = serializers.CharField(max_length=45, required=False)
    cost = serializers.IntegerField(min_value=0, max_value=1_000_000, default=0)

    def validate_ip(self, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError as error:
            raise serializers.ValidationError(_("This is no IPv4 or IPv6 address.")) from error
        return value


class VerdictSerializer(Strict):
    """Whether the key would be let through; `code` is `valid` or the code of the refusal."""

    valid = serializers.BooleanField(read_only=True)
    code = serializers.CharField(read_only=True)
    partner_id = serializers.CharField(read_only=True, allow_null=True)
    key_id = serializers.CharField(read_only=True, allow_null=True)
    scopes = Scopes(read_only=True)
    remaining = serializers.IntegerField(read_only=True, allow_null=True)
