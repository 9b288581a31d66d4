"""Partners on the wire."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import ids
from core.api.serializers import MoneyField, Strict, StrictModel
from core.events import TYPES
from core.models import Event, Payload
from core.redaction import redacted
from partners import reviews, terms
from partners.api.profiles import SHOWN, CountriesField, DescriptionField, IndustriesField, LinksSerializer, LogoField
from partners.api.terms import StandingSerializer
from partners.models import Invitation, Member, Partner, Tier
from partners.permissions import Role

LONGEST_REASON = 2_000


class TierSerializer(StrictModel):
    """A tier with its limits, price and shares; `price` is null where it is agreed by contract."""

    price = MoneyField(read_only=True, allow_null=True)

    class Meta:
        model = Tier
        fields = [
            "id",
            "slug",
            "name",
            "price",
            "monthly_quota",
            "over_quota",
            "key_rate",
            "partner_rate",
            "calls_at_once",
            "commission_rate",
            "marketplace_fee",
            "servers",
            "support",
            "needs_information",
            "needs_application",
            "needs_documents",
            "needs_contract",
            "document_kinds",
        ]
        read_only_fields = fields


class PartnerSerializer(StrictModel):
    """The calling partner, to itself. `profile_url` is where everybody sees it, or null while nobody does."""

    tier: Any = serializers.SlugRelatedField("slug", read_only=True)
    description = DescriptionField(required=False)
    industries = IndustriesField(required=False)
    countries = CountriesField(required=False)
    links = LinksSerializer(required=False)
    logo = LogoField(source="*", read_only=True)
    profile_url = serializers.SerializerMethodField()
    terms = serializers.SerializerMethodField()

    class Meta:
        model = Partner
        fields = [
            "id",
            "slug",
            "name",
            "type",
            "status",
            "status_reason",
            "tier",
            "website",
            *SHOWN,
            "listed",
            "keeps_test_bodies",
            "profile_url",
            "activated_at",
            "verified_at",
            "created_at",
            "terms",
        ]
        read_only_fields = ["slug", "status", "status_reason", "activated_at", "verified_at", "created_at"]

    @extend_schema_field({"type": ["string", "null"], "format": "uri"})
    def get_profile_url(self, partner: Partner) -> str | None:
        return settings.BASE_URL + partner.get_absolute_url() if partner.is_public else None

    @extend_schema_field(StandingSerializer)
    def get_terms(self, partner: Partner) -> Any:
        return StandingSerializer(terms.standing(partner)).data


class OperatorPartnerSerializer(PartnerSerializer):
    """A partner, to operators, who may also move it to another tier."""

    tier: Any = serializers.SlugRelatedField("slug", queryset=Tier.objects.all())

    class Meta(PartnerSerializer.Meta):
        fields = [*(name for name in PartnerSerializer.Meta.fields if name != "terms"), "closed_at", "deleted_at", "erased_at"]
        read_only_fields = [*PartnerSerializer.Meta.read_only_fields, "closed_at", "deleted_at", "erased_at"]


class MemberSerializer(StrictModel):
    """A person in the team."""

    email = serializers.EmailField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)

    class Meta:
        model = Member
        fields = ["id", "email", "name", "role", "joined_at"]
        read_only_fields = ["joined_at"]


class RoleSerializer(Strict):
    """A role that somebody is given."""

    role = serializers.ChoiceField(Role.choices)


class InviteSerializer(RoleSerializer):
    """Whom to invite, and as what."""

    email = serializers.EmailField(max_length=254)


class InvitationSerializer(StrictModel):
    """An offer to join the team. Its link is in the mail alone."""

    status = serializers.SerializerMethodField()

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "status", "sent_at", "expires_at", "created_at"]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(["pending", "expired", "accepted", "revoked"]))
    def get_status(self, invitation: Invitation) -> str:
        return "expired" if invitation.has_expired else invitation.status


class RegisterSerializer(Strict):
    """The body of a registration."""

    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=200, trim_whitespace=False, style={"input_type": "password"})
    company_name = serializers.CharField(max_length=120)
    type = serializers.ChoiceField(Partner.Type.choices, default=Partner.Type.TECHNOLOGY)


class RegisteredSerializer(Strict):
    """The same for every address."""

    status = serializers.CharField(read_only=True)
    detail = serializers.CharField(read_only=True)


class ReasonSerializer(Strict):
    """Why; the partner reads it."""

    reason = serializers.CharField(max_length=LONGEST_REASON, default="", allow_blank=True)


class ApproveSerializer(ReasonSerializer):
    """A note, and what was looked at."""

    checklist = serializers.MultipleChoiceField(choices=[*reviews.CHECKLIST.items()], default=set)


class RequestChangesSerializer(Strict):
    """What to change; the partner reads it."""

    reason = serializers.CharField(max_length=LONGEST_REASON)


class RejectSerializer(RequestChangesSerializer):
    """Why not, which the partner reads; with `final` it can't mend it and submit again."""

    final = serializers.BooleanField(default=False)


class ActorSerializer(Strict):
    """Who did it."""

    kind = serializers.CharField(source="actor_kind", read_only=True)
    label: Any = serializers.CharField(source="actor_label", read_only=True)


class ActivitySerializer(StrictModel):
    """What happened, in a line."""

    at = serializers.DateTimeField(source="created_at", read_only=True)
    description = serializers.SerializerMethodField()
    actor = ActorSerializer(source="*", read_only=True)

    class Meta:
        model = Event
        fields: list[str] = ["id", "type", "description", "subject", "actor", "at"]
        read_only_fields = fields

    def get_description(self, event: Event) -> str:
        kind = TYPES.get(event.type)
        return str(kind.description) if kind else ""


class AuditListSerializer(serializers.ListSerializer[Any]):
    """Reads all payloads of a page in one query."""

    def to_representation(self, data: Any) -> Any:
        events = list(data)
        found = Payload.objects.filter(pk__in=[event.pk for event in events])
        self.child.payloads = {payload.pk: payload.data for payload in found}  # type: ignore[union-attr]  # a list has one
        return super().to_representation(events)


class AuditSerializer(ActivitySerializer):
    """A line of the audit log with its place in the hash chain; `number` and `hash` are null for the moment until the relay
    has sealed it, `data` once it was erased."""

    address = serializers.CharField(read_only=True, allow_null=True)
    request_id = serializers.SerializerMethodField()
    data: Any = serializers.SerializerMethodField()
    hash = serializers.SerializerMethodField()

    class Meta(ActivitySerializer.Meta):
        list_serializer_class = AuditListSerializer
        fields = [*ActivitySerializer.Meta.fields, "environment", "address", "request_id", "data", "number", "hash"]
        read_only_fields = fields

    @extend_schema_field({"type": ["string", "null"]})
    def get_request_id(self, event: Event) -> str | None:
        return ids.encode("call", event.request_id) if event.request_id else None

    @extend_schema_field({"type": ["object", "null"]})
    def get_data(self, event: Event) -> Any:
        payloads: dict[Any, Any] = getattr(self, "payloads", {})
        return redacted(payloads.get(event.pk))

    @extend_schema_field({"type": ["string", "null"]})
    def get_hash(self, event: Event) -> str | None:
        return bytes(event.hash).hex() if event.hash else None
