"""Credentials of partners' programs."""

from datetime import timedelta
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apikeys.oauth.models import (
    AccessToken,
    Application,
    Authorization,
    ClientSecret,
    Consent,
    GrantType,
    RefreshToken,
    SigningKey,
)
from core import clock, ids
from core.indexes import trigrams
from core.models import Entity, PartnerOwned, PartnerOwnedQuerySet

SOON = timedelta(days=14)
"""How long ahead people look at ends."""

__all__ = [
    "AccessToken",
    "Application",
    "Authorization",
    "ClientSecret",
    "Consent",
    "GrantType",
    "Key",
    "RefreshToken",
    "SigningKey",
]


def rate_within(own: int | None, most: int) -> int:
    """The calls a minute of a credential with a limit of its `own`, on a tier that gives `most`: it may have been set on a higher
    one."""
    return min(own or most, most)


class KeyQuerySet(PartnerOwnedQuerySet["Key"]):
    def usable(self) -> Self:
        """Those that work now, as far as the key itself goes."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()), status=Key.Status.ACTIVE)

    def in_state(self, state: str) -> Self:
        """Those that show this state (`Key.state`); `expiring` are those that work now and won't in SOON."""
        now = clock.now()
        match state:
            case "expired":
                return self.filter(status=Key.Status.ACTIVE, expires_at__lte=now)
            case "expiring":
                return self.usable().filter(expires_at__lte=now + SOON)
            case Key.Status.ACTIVE:
                return self.usable()
        return self.filter(status=state)


class Key(PartnerOwned):
    """A credential of one partner in one environment. Only a keyed hash of it is stored; see `keys.issue`."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")
        SUSPENDED = "suspended", _("Suspended")
        LEAKED = "leaked", _("Leaked")
        REVOKED = "revoked", _("Revoked")

    TRANSITIONS = {
        Status.ACTIVE: {Status.DISABLED, Status.SUSPENDED, Status.LEAKED, Status.REVOKED},
        Status.DISABLED: {Status.ACTIVE, Status.LEAKED, Status.REVOKED},
        Status.SUSPENDED: {Status.ACTIVE, Status.LEAKED, Status.REVOKED},
        Status.LEAKED: {Status.REVOKED},
    }

    id_prefix = "key"

    name = models.CharField(_("name"), max_length=80)
    digest = models.BinaryField(unique=True, editable=False)
    hint = models.CharField(_("key"), max_length=24, editable=False, help_text=_("Start and end of the key, to recognise it by."))
    secret_digest = models.BinaryField(null=True, editable=False, help_text=_("Set where the key needs its secret too."))
    scopes = ArrayField(models.CharField(max_length=64), verbose_name=_("scopes"), default=list)
    ip_allowlist = ArrayField(models.CharField(max_length=43), verbose_name=_("allowed addresses"), default=list, blank=True)
    rate_limit_per_minute = models.PositiveIntegerField(_("calls a minute"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.ACTIVE, editable=False)
    status_reason = models.CharField(
        _("reason"), max_length=400, blank=True, editable=False, help_text=_("Why it is suspended, as its callers are told.")
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    successor = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="predecessors", editable=False)
    created_by = models.CharField(_("created by"), max_length=200, blank=True, editable=False)
    first_used_at = models.DateTimeField(_("first used"), null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    last_used_address = models.GenericIPAddressField(_("last used from"), null=True, editable=False)
    last_used_agent = models.TextField(_("last used by"), blank=True, editable=False, help_text=_("The program’s User-Agent."))
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = KeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("created_at")), name="key_expires_later"
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="key_of_partner"),
            models.Index(fields=["status", "-id"], name="key_by_status"),
            models.Index(fields=["expires_at"], condition=Q(status="active", expires_at__isnull=False), name="key_ending"),
            trigrams("name", name="key_name_part"),
            trigrams("hint", name="key_hint_part"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint})"

    @property
    def state(self) -> str:
        """The status, or `expired` for one that would work if its time weren't over."""
        expired = self.expires_at is not None and self.expires_at <= clock.now()
        return "expired" if expired and self.status == Key.Status.ACTIVE else str(self.status)

    def get_state_display(self) -> str:
        """The state in words, as Django's own `get_status_display`."""
        return str(_("Expired")) if self.state == "expired" else self.get_status_display()

    @property
    def is_ending(self) -> bool:
        """Whether it works now and won't in SOON."""
        return self.state == "active" and self.expires_at is not None and self.expires_at <= clock.now() + SOON

    @property
    def is_slowed_by_tier(self) -> bool:
        """Whether its own limit was set on a higher tier than its partner has now."""
        return self.rate_limit_per_minute is not None and self.rate_limit_per_minute > self.partner.tier.key_rate

    @property
    def is_changeable(self) -> bool:
        """Whether it may still be changed, rotated or switched off and on; what is revoked, say, stays so."""
        return self.status in {Key.Status.ACTIVE, Key.Status.DISABLED}

    def get_absolute_url(self) -> str:
        """Its page in the portal."""
        return reverse("apikeys:detail", kwargs={"slug": self.partner.slug, "public_id": self.public_id})

    @property
    def successor_public_id(self) -> str | None:
        """The id of the key that takes this one's place, without reading it."""
        return ids.encode(self.id_prefix, self.successor_id) if self.successor_id else None


class Leak(Entity):
    """A place where somebody found a key. `note` is a stranger's, and for operators alone."""

    class Source(models.TextChoices):
        PUBLIC = "public", _("Anybody")
        GITHUB = "github", _("GitHub")
        OPERATOR = "operator", _("Operator")

    LONGEST_URL, LONGEST_NOTE = 1_000, 1_000

    id_prefix = "lek"

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="leaks", editable=False)
    source = models.CharField(_("reported by"), max_length=8, choices=Source, default=Source.PUBLIC, editable=False)
    url = models.CharField(_("found at"), max_length=LONGEST_URL, blank=True, editable=False)
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True, editable=False)
    reported_from = models.GenericIPAddressField(_("address"), null=True, editable=False)
    reported_by = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        verbose_name = _("leak")
        ordering = ["-id"]


class Reminder(models.Model):
    """A stage of a key's end that its team was told of, or knew of when it set the end. There is one row a stage and end, so
    that each is told once."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="reminders")
    expires_at = models.DateTimeField(help_text=_("The end that it is about; another end is told of anew."))
    days = models.PositiveSmallIntegerField(help_text=_("Days before the end; 0 once it is over."))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "expires_at", "days"], name="key_reminder_once")]

    def __str__(self) -> str:
        return f"{self.key_id}: {self.days} days before {self.expires_at:%Y-%m-%d}"
