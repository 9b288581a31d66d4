"""The bases of all models, and the few tables that belong to no other app."""

from typing import Any, ClassVar, Self, TypeVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from core import clock, ids, networks
from core.crypto import EncryptedField
from core.indexes import trigrams

Row = TypeVar("Row", bound="models.Model", covariant=True)


class Environment(models.TextChoices):
    LIVE = "live", _("Live")
    TEST = "test", _("Test")


class EntityQuerySet(models.QuerySet[Row]):
    """Reads of anything that has a public id."""

    def public(self, public_id: str) -> Self:
        """Narrow to the row that this public id names; to none if it is no id of this model."""
        prefix: str = self.model.id_prefix  # type: ignore[attr-defined]  # of our own entities only
        try:
            return self.filter(pk=ids.decode(prefix, public_id))
        except ids.MalformedId:
            return self.none()


class Entity(models.Model):
    """Something with an id that people and programs see: `<id_prefix>_<26 characters>`, sortable by time."""

    id_prefix: str

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id outside the database."""
        return ids.encode(self.id_prefix, self.pk)


class PartnerOwnedQuerySet(EntityQuerySet[Row]):
    """Reads of what a partner owns; every one of them starts with `for_caller`."""

    def for_caller(self, partner: Any, environment: str) -> Self:
        """Only this partner's rows of this environment. `partner` is a Partner or its UUID."""
        return self.filter(partner_id=getattr(partner, "pk", partner), environment=environment)


class PartnerOwned(Entity):
    """A row of one partner in one environment."""

    partner = models.ForeignKey("partners.Partner", on_delete=models.PROTECT, related_name="+", editable=False)
    environment = models.CharField(max_length=4, choices=Environment, editable=False)

    objects: ClassVar = PartnerOwnedQuerySet.as_manager()

    class Meta:
        abstract = True


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person. The address is kept in lower case; it identifies the person."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """An operator who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: a member of partners, an operator (`is_staff`), or both."""

    id_prefix = "usr"

    id = models.UUIDField(primary_key=True, default=ids.new, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_staff = models.BooleanField(_("operator"), default=False, help_text=_("May sign in to the operators' console."))
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Take this away instead of deleting the person."))
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.CheckConstraint(condition=Q(email=Lower("email")), name="user_email_lower")]
        indexes = [
            trigrams("email", name="user_email_part"),
            trigrams("name", name="user_name_part"),
            models.Index(fields=["-id"], condition=Q(is_staff=True), name="user_operators"),
            models.Index(fields=["-id"], condition=Q(is_superuser=True), name="user_superusers"),
            models.Index(fields=["-id"], condition=Q(is_active=False), name="user_switched_off"),
        ]

    @property
    def public_id(self) -> str:
        return ids.encode(self.id_prefix, self.pk)

    def get_full_name(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return self.name.split(" ")[0] or self.email


class OperatorToken(Entity):
    """A credential of one operator's programs for the operator API; see `core.operators`."""

    id_prefix = "opt"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="operator_tokens", verbose_name=_("operator"))
    name = models.CharField(_("name"), max_length=80)
    digest = models.BinaryField(unique=True, editable=False)
    hint = models.CharField(_("token"), max_length=24, editable=False)
    scopes = ArrayField(models.CharField(max_length=64), verbose_name=_("scopes"), default=list)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("operator token")
        ordering = ["-id"]

    @property
    def has_ended(self) -> bool:
        """Whether it was revoked, or its time is over."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= clock.now())


class Change(models.Model):
    """One line of the change log of credentials: the subject's cached snapshots older than this are stale."""

    subject = models.UUIDField(db_index=True)
    changed_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.subject} #{self.pk}"


class BlockQuerySet(EntityQuerySet["Block"]):
    def in_force(self) -> Self:
        """Those that hold now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()), lifted_at=None)

    def over(self) -> Self:
        """Those that held once."""
        return self.filter(Q(lifted_at__isnull=False) | Q(expires_at__lte=clock.now()))

    def containing(self, place: str) -> Self:
        """Those that an address or a network lies in; none if it is neither. One look-up in the index a length of prefix."""
        return self.filter(network__in=networks.around(place))


class Block(Entity):
    """An address or network that nobody may call from; see `core.blocks`."""

    id_prefix = "blk"

    network = models.CharField(_("address or network"), max_length=43)
    reason = models.CharField(_("reason"), max_length=500, help_text=_("For operators alone."))
    expires_at = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("Without a time it holds until it is lifted.")
    )
    blocked_by = models.CharField(_("blocked by"), max_length=200, editable=False)
    lifted_at = models.DateTimeField(_("lifted"), null=True, editable=False)
    lifted_by = models.CharField(_("lifted by"), max_length=200, blank=True, editable=False)

    objects: ClassVar = BlockQuerySet.as_manager()

    class Meta:
        verbose_name = _("blocked address")
        verbose_name_plural = _("blocked addresses")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["network"], condition=Q(lifted_at=None), name="block_once")]
        indexes = [
            models.Index(fields=["network", "-id"], name="block_by_network"),
            models.Index(fields=["-id"], condition=Q(lifted_at=None), name="block_standing"),
            trigrams("network", name="block_network_part"),
            trigrams("reason", name="block_reason_part"),
        ]

    def __str__(self) -> str:
        return self.network

    @property
    def state(self) -> str:
        """`holds`, `expired` or `lifted`."""
        if self.lifted_at is not None:
            return "lifted"
        return "expired" if self.expires_at is not None and self.expires_at <= clock.now() else "holds"


class EventQuerySet(EntityQuerySet["Event"]):
    def for_caller(self, partner: Any, environment: str) -> Self:
        """Only this partner's events of this environment."""
        return self.filter(partner_id=getattr(partner, "pk", partner), environment=environment)

    def unsealed(self) -> Self:
        """Events that the relay has not taken into their chain yet."""
        return self.filter(number__isnull=True)


class Event(Entity):
    """An immutable fact, written in the transaction that made it true; see `core.events` and `core.relay`.

    Append-only by trigger: the relay fills `number`, `previous_hash` and `hash` once, nothing else ever changes.
    """

    id_prefix = "evt"

    partner_id = models.UUIDField(null=True, editable=False)
    environment = models.CharField(max_length=4, choices=Environment, editable=False)
    type = models.CharField(max_length=80, editable=False)
    type_version = models.PositiveSmallIntegerField(
        default=1, db_default=1, editable=False, help_text=_("Version of the type's schema that the data fits.")
    )
    subject = models.CharField(max_length=80, blank=True, editable=False, help_text=_("Public id of what it is about."))
    actor_kind = models.CharField(max_length=12, editable=False)
    actor_id = models.UUIDField(null=True, editable=False)
    actor_label = models.CharField(max_length=200, blank=True, editable=False)
    address = models.GenericIPAddressField(null=True, editable=False)
    request_id = models.UUIDField(null=True, editable=False)
    payload_digest = models.BinaryField(editable=False)
    number = models.BigIntegerField(null=True, editable=False)
    previous_hash = models.BinaryField(null=True, editable=False)
    hash = models.BinaryField(null=True, editable=False)

    objects: ClassVar = EventQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["partner_id", "number"], name="event_number_once", nulls_distinct=True),
            models.UniqueConstraint(fields=["number"], condition=Q(partner_id__isnull=True), name="event_platform_number_once"),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(number__isnull=True), name="event_unsealed"),
            models.Index(fields=["partner_id", "environment", "-id"], name="event_of_partner"),
            models.Index(fields=["type", "-id"], name="event_by_type"),
            models.Index(fields=["subject", "-id"], name="event_by_subject"),
            models.Index(fields=["actor_kind", "-id"], name="event_by_kind_of_actor"),
            models.Index(fields=["actor_id", "-id"], condition=Q(actor_id__isnull=False), name="event_by_actor"),
            models.Index(fields=["actor_label", "-id"], name="event_by_actor_label"),
            models.Index(fields=["address", "-id"], condition=Q(address__isnull=False), name="event_by_address"),
            models.Index(fields=["-id"], condition=Q(environment="test"), name="event_in_test"),
        ]

    @property
    def data(self) -> dict[str, Any] | None:
        """The payload, or None once it was erased or has outlived its retention."""
        payload = Payload.objects.filter(pk=self.pk).first()
        return payload.data if payload else None


class Payload(models.Model):
    """What an event says, apart from it, so that retention and erasure leave the chain whole. Partitioned by time."""

    id = models.UUIDField(primary_key=True, editable=False)
    data = models.JSONField(editable=False)

    def __str__(self) -> str:
        return str(self.pk)


class Head(models.Model):
    """The end of one partner's chain of events (`owner` is the nil UUID for the platform's own); locked while sealing."""

    owner = models.UUIDField(primary_key=True)
    number = models.BigIntegerField(default=0)
    hash = models.BinaryField(default=bytes)

    def __str__(self) -> str:
        return f"{self.owner} #{self.number}"


class Verification(models.Model):
    """What the last look at one chain of events found, and whether another one is wanted; see `core.verifications`."""

    owner = models.UUIDField(primary_key=True)
    number = models.BigIntegerField(default=0, help_text="Up to which event it was right.")
    verified_at = models.DateTimeField(null=True)
    broken = models.BigIntegerField(null=True, help_text="Number of the first event that isn't right.")
    event = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    asked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.owner} up to #{self.number}"

    @property
    def is_waiting(self) -> bool:
        """Whether somebody asked for another look that has not begun."""
        return self.asked_at is not None and (self.verified_at is None or self.verified_at < self.asked_at)


class MissedEvent(models.Model):
    """A sealed event that one reader could not take; it is shown to that reader again, alone, with growing pauses."""

    reader = models.CharField(max_length=120)
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    error = models.CharField(max_length=500)
    attempts = models.PositiveSmallIntegerField(default=1)
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reader", "event"], name="missed_event_once")]

    def __str__(self) -> str:
        return f"{self.reader} {self.event_id}"


class ApiSlug(models.Model):
    """A place under `/apis/` and the row that has it. Integrations and API products share them: triggers of theirs write here."""

    slug = models.SlugField(primary_key=True, max_length=60)
    subject = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return self.slug


class StoredAnswer(models.Model):
    """The answer to a POST with an Idempotency-Key, kept for 24 hours; see `core.idempotency`."""

    caller = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = EncryptedField(null=True)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="stored_answer_once")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"
