"""Onboarding, documents and verification on the wire."""

from rest_framework import serializers

from core.api.serializers import Strict, StrictModel
from partners import onboarding, standing
from partners.models import ApiSetup, Company, Document, DocumentKind, Partner, Review


class BasicInfoSerializer(StrictModel):
    """The first step: who you are."""

    id = None  # type: ignore[assignment]  # DRF's way to leave a field out
    contact_name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    contact_email = serializers.EmailField(required=False, allow_blank=True)
    contact_phone = serializers.CharField(max_length=40, required=False, allow_blank=True)

    class Meta:
        model = Partner
        fields = ["name", "type", "website", "description", "contact_name", "contact_email", "contact_phone"]
        extra_kwargs = {"name": {"required": False}}


class BusinessDetailsSerializer(StrictModel):
    """The second step: the company behind it. `country` is an ISO 3166 code of two letters."""

    id = None  # type: ignore[assignment]  # DRF's way to leave a field out

    class Meta:
        model = Company
        fields = list(onboarding.FIELDS[onboarding.BUSINESS_DETAILS][Company])


class ApiSetupSerializer(StrictModel):
    """The third step: what you will use the API for, and where it may call you."""

    id = None  # type: ignore[assignment]  # DRF's way to leave a field out

    class Meta:
        model = ApiSetup
        fields = list(onboarding.FIELDS[onboarding.API_SETUP][ApiSetup])


class StepSerializer(Strict):
    """One of the five steps; `missing` names the fields, or what else is wanted, `missing_in_words` says it to people."""

    name = serializers.CharField(read_only=True)
    title = serializers.CharField(read_only=True)
    state = serializers.ChoiceField(["done", "current", "todo", "waiting", "not_required"], read_only=True)
    missing = serializers.ListField(child=serializers.CharField(), read_only=True)
    missing_in_words = serializers.ListField(source="words", child=serializers.CharField(), read_only=True)


class ProgressSerializer(Strict):
    """Where the onboarding stands. `reason` is the operators', if they asked for changes."""

    status = serializers.ChoiceField(["in_progress", "in_review", "changes_requested", "rejected", "complete"], read_only=True)
    current = serializers.CharField(read_only=True, allow_null=True)
    steps = StepSerializer(many=True, read_only=True)
    reason = serializers.SerializerMethodField()

    def get_reason(self, progress: onboarding.Progress) -> str:
        return progress.review.reason if progress.review and progress.review.decision != "waiting" else ""


class WebhookSerializer(Strict):
    """What the test delivery to the webhook address found; `reached` is null until it was checked."""

    url = serializers.CharField(source="webhook_url", read_only=True)
    reached = serializers.BooleanField(source="webhook_reached", read_only=True, allow_null=True)
    finding = serializers.CharField(source="webhook_finding", read_only=True)
    checked_at = serializers.DateTimeField(source="webhook_checked_at", read_only=True, allow_null=True)
    secret = serializers.CharField(source="webhook_secret", read_only=True, allow_null=True)


class ApiSetupProgressSerializer(ProgressSerializer):
    """Where the onboarding stands, and what the check of the webhook address found."""

    webhook = WebhookSerializer(read_only=True)


class RoundSerializer(Strict):
    """One submission and its decision."""

    decision = serializers.ChoiceField(Review.Decision.choices, read_only=True)
    reason = serializers.CharField(read_only=True)
    submitted_at = serializers.DateTimeField(source="created_at", read_only=True)
    decided_at = serializers.DateTimeField(read_only=True, allow_null=True)


class VerificationSerializer(Strict):
    """Whether the documents are verified. `missing` are kinds of documents to upload, `rounds` the submissions, newest first."""

    state = serializers.ChoiceField(standing.State.choices, read_only=True)
    verified_at = serializers.DateTimeField(read_only=True, allow_null=True)
    reason = serializers.CharField(read_only=True)
    missing = serializers.ListField(child=serializers.ChoiceField(DocumentKind.choices), read_only=True)
    documents = serializers.DictField(child=serializers.ChoiceField(Document.State.choices), read_only=True)
    rounds = RoundSerializer(many=True, read_only=True)


class DocumentSerializer(StrictModel):
    """A document; its content is served to nobody but the operators who review it."""

    class Meta:
        model = Document
        fields = ["id", "kind", "filename", "content_type", "size", "pages", "state", "reason", "created_at", "decided_at"]
        read_only_fields = fields


class UploadSerializer(Strict):
    """A document: a PDF, PNG or JPEG of at most 20 MiB."""

    kind = serializers.ChoiceField(DocumentKind.choices)
    file = serializers.FileField()


class OperatorDocumentSerializer(DocumentSerializer):
    """A document, to operators."""

    partner_id = serializers.CharField(source="partner.public_id", read_only=True)

    class Meta(DocumentSerializer.Meta):
        fields = ["id", "partner_id", *DocumentSerializer.Meta.fields[1:]]
        read_only_fields = fields
