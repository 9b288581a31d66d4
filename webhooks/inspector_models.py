"""Temporary receiving addresses, and what arrived there; see `webhooks.inspectors`."""

import base64
import json
import secrets
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock
from core.crypto import EncryptedField
from core.models import Entity, EntityQuerySet, PartnerOwned, PartnerOwnedQuerySet

TOKEN_BYTES = 24
PATH = "/hooks/"


def new_token() -> str:
    """192 random bits, as they stand in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


class InspectorQuerySet(PartnerOwnedQuerySet["Inspector"]):
    def open(self) -> Self:
        """Those that still receive."""
        return self.filter(expires_at__gt=clock.now())


class Inspector(PartnerOwned):
    """An address of ours that shows a partner what is sent to it, so that webhooks can be tried without a server."""

    class Answer(models.IntegerChoices):
        OK = 200, _("200 OK: taken")
        BAD_REQUEST = 400, _("400 Bad Request: fails, is tried again")
        GONE = 410, _("410 Gone: the endpoint is disabled")
        TOO_MANY = 429, _("429 Too Many Requests: fails, is tried again")
        BROKEN = 500, _("500 Internal Server Error: fails, is tried again")
        UNAVAILABLE = 503, _("503 Service Unavailable: fails, is tried again")

    id_prefix = "isp"

    token = models.CharField(
        max_length=32, unique=True, default=new_token, editable=False, validators=[RegexValidator(r"^[\w-]{32}\Z")]
    )
    answer_status = models.PositiveSmallIntegerField(_("answer"), choices=Answer, default=Answer.OK)
    expires_at = models.DateTimeField(_("open until"), editable=False)

    objects: ClassVar = InspectorQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook inspector")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(answer_status__range=(200, 599)), name="inspector_answer_is_one"),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="inspector_of_partner"),
            models.Index(fields=["expires_at"], name="inspector_ends"),
        ]

    @property
    def address(self) -> str:
        """Where it receives."""
        return f"{settings.BASE_URL}{PATH}{self.token}"


class InspectedRequest(Entity):
    """One request that arrived at an inspector, and what its signature was found to be."""

    class Verdict(models.TextChoices):
        VERIFIED = "verified", _("Verified")
        WRONG = "wrong", _("Wrong signature")
        UNSIGNED = "unsigned", _("Unsigned")
        UNKNOWN = "unknown", _("Not checked")

    id_prefix = "irq"

    inspector = models.ForeignKey(Inspector, on_delete=models.CASCADE, related_name="requests", db_index=False, editable=False)
    endpoint = models.ForeignKey("webhooks.Endpoint", on_delete=models.SET_NULL, null=True, related_name="+", editable=False)
    method = models.CharField(_("method"), max_length=16, editable=False)
    event_type = models.CharField(_("event"), max_length=80, blank=True, editable=False, help_text=_("Of what is verified."))
    size = models.PositiveIntegerField(_("size"), editable=False)
    verdict = models.CharField(_("signature"), max_length=8, choices=Verdict, editable=False)
    explanation = models.CharField(max_length=300, editable=False)
    answered = models.PositiveSmallIntegerField(_("answered"), editable=False)
    content = EncryptedField(editable=False, help_text=_("Headers and body, as JSON."))

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("request to an inspector")
        verbose_name_plural = _("requests to inspectors")
        ordering = ["-id"]
        indexes = [models.Index(fields=["inspector", "-id"], name="inspected_of_inspector")]

    @property
    def headers(self) -> dict[str, str]:
        """As they came, by lower-case name."""
        return dict(self._content()["headers"])

    @property
    def body(self) -> bytes:
        return base64.b64decode(self._content()["body"])

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(str(self.content))
        return content


def sealed(headers: dict[str, str], body: bytes) -> str:
    """Headers and body as `InspectedRequest.content` holds them."""
    return json.dumps({"headers": headers, "body": base64.b64encode(body).decode()})
