"""Rules about how keys are used, what they found, and what is known of where keys are used from."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apikeys.models import Key
from core.models import Entity, EntityQuerySet, Environment, PartnerOwned, PartnerOwnedQuerySet


class RuleQuerySet(EntityQuerySet["Rule"]):
    def standing(self) -> Self:
        """Those that are looked after."""
        return self.filter(status=Rule.Status.ON)


class Rule(Entity):
    """A pattern in the calls of one key, and what is done about it; see `abuse.patterns` for how it is looked for."""

    class Status(models.TextChoices):
        ON = "on", _("On")
        OFF = "off", _("Off")

    class Measure(models.TextChoices):
        REFUSALS = "refusals", _("Calls with these answers")
        NETWORKS = "networks", _("Networks it is called from")

    class Action(models.TextChoices):
        NOTIFY = "notify", _("Tell partner and operators")
        SUSPEND = "suspend", _("Suspend the key, and tell them")

    class Where(models.TextChoices):
        BOTH = "both", _("Live and test")
        LIVE = "live", _("Live alone")
        TEST = "test", _("Test alone")

    id_prefix = "rul"

    name = models.CharField(_("name"), max_length=80, unique=True)
    status = models.CharField(_("state"), max_length=3, choices=Status, default=Status.ON)
    measure = models.CharField(_("what is counted"), max_length=8, choices=Measure, default=Measure.REFUSALS)
    answers = ArrayField(
        models.CharField(max_length=64),
        verbose_name=_("answers"),
        default=list,
        blank=True,
        help_text=_("Problem codes, statuses or classes, separated by commas: insufficient_scope, 404, 4xx. For calls alone."),
    )
    threshold = models.PositiveIntegerField(
        _("at least"), validators=[MinValueValidator(2)], help_text=_("So many of them within the window.")
    )
    least_share = models.PositiveSmallIntegerField(
        _("share in %"), default=0, validators=[MaxValueValidator(100)], help_text=_("Of all calls of the key in the window.")
    )
    least_places = models.PositiveIntegerField(
        _("different paths"), default=0, help_text=_("On at least so many: one program with one mistake stays on a few.")
    )
    window_minutes = models.PositiveSmallIntegerField(
        _("window in minutes"), default=10, validators=[MinValueValidator(1), MaxValueValidator(1_440)]
    )
    environment = models.CharField(_("environment"), max_length=4, choices=Where, default=Where.BOTH)
    action = models.CharField(_("what is done"), max_length=7, choices=Action, default=Action.NOTIFY)
    partner_after = models.PositiveSmallIntegerField(
        _("suspend the partner at"),
        null=True,
        blank=True,
        validators=[MinValueValidator(2)],
        help_text=_("So many suspensions of its live keys by this rule. Empty: never."),
    )
    partner_within_hours = models.PositiveSmallIntegerField(
        _("within hours"), default=24, validators=[MinValueValidator(1), MaxValueValidator(720)]
    )

    objects: ClassVar = RuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("abuse rule")
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(threshold__gte=2), name="abuse_rule_of_several")]

    def __str__(self) -> str:
        return self.name


class IncidentQuerySet(PartnerOwnedQuerySet["Incident"]):
    def of_key(self, key: Key) -> Self:
        """What was found of one key."""
        return self.for_caller(key.partner_id, key.environment).filter(key=key)

    def open(self) -> Self:
        """Keys that are suspended for it now."""
        return self.filter(status__in=Incident.OPEN, key__status=Key.Status.SUSPENDED)


class Incident(PartnerOwned):
    """A rule held of a key: what was counted, and what became of it."""

    class Status(models.TextChoices):
        NOTED = "noted", _("Noted")
        SUSPENDED = "suspended", _("Suspended")
        LOCKED = "locked", _("Locked by an operator")
        RESUMED = "resumed", _("Resumed by the partner")
        LIFTED = "lifted", _("Lifted by an operator")
        FALSE_ALARM = "false_alarm", _("False alarm")

    OPEN = (Status.SUSPENDED, Status.LOCKED)
    TRANSITIONS = {
        Status.NOTED: {Status.FALSE_ALARM},
        Status.SUSPENDED: {Status.LOCKED, Status.RESUMED, Status.LIFTED, Status.FALSE_ALARM},
        Status.LOCKED: {Status.LIFTED, Status.FALSE_ALARM},
        Status.RESUMED: {Status.FALSE_ALARM},
        Status.LIFTED: {Status.FALSE_ALARM},
    }

    id_prefix = "inc"

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="incidents", verbose_name=_("key"))
    rule = models.ForeignKey(Rule, on_delete=models.SET_NULL, null=True, related_name="incidents", verbose_name=_("rule"))
    rule_name = models.CharField(_("rule"), max_length=80)
    action = models.CharField(_("what was done"), max_length=7, choices=Rule.Action)
    status = models.CharField(_("state"), max_length=11, choices=Status)
    found = models.CharField(_("what was seen"), max_length=300)
    evidence = models.JSONField(_("evidence"), default=dict)
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.CharField(_("decided by"), max_length=200, blank=True)
    note = models.TextField(_("note"), blank=True)

    objects: ClassVar = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(status__in=["suspended", "locked"]), name="abuse_incident_open")
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="abuse_incident_of_partner"),
            models.Index(fields=["key", "-id"], name="abuse_incident_of_key"),
            models.Index(fields=["status", "-id"], name="abuse_incident_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.rule_name}"


class Mute(models.Model):
    """What a key is not told of: a rule that was a false alarm for it, or (without a rule) unusual use."""

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="mutes")
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, null=True, related_name="mutes")
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "rule"], name="abuse_mute_once", nulls_distinct=False)]

    def __str__(self) -> str:
        return f"{self.key_id} {self.rule_id or 'unusual use'}"


class Sighting(models.Model):
    """A network (/24, IPv6 /48) that a key was used from. Written with the calls themselves; forgotten 90 days after the last."""

    key_id = models.UUIDField(editable=False)
    network = models.CharField(max_length=43, editable=False)
    first_at = models.DateTimeField(editable=False)
    last_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key_id", "network"], name="abuse_sighting_once")]
        indexes = [
            models.Index(fields=["last_at"], name="abuse_sighting_last"),
            models.Index(fields=["first_at"], name="abuse_sighting_first"),
        ]

    def __str__(self) -> str:
        return self.network


class Oddity(PartnerOwned):
    """Unusual use of a key that its team was told of: at most one a key and day."""

    class Kind(models.TextChoices):
        NETWORK = "network", _("New network")
        VOLUME = "volume", _("Unusual volume")
        HOUR = "hour", _("Unusual hour")

    id_prefix = "odd"

    key = models.ForeignKey(Key, on_delete=models.CASCADE, related_name="oddities")
    on = models.DateField()
    kind = models.CharField(max_length=7, choices=Kind)
    found = models.CharField(max_length=300)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "on"], name="abuse_oddity_daily")]
        indexes = [models.Index(fields=["partner", "environment", "-id"], name="abuse_oddity_of_partner")]


ENVIRONMENTS = {
    Rule.Where.BOTH: tuple(Environment.values),
    Rule.Where.LIVE: (Environment.LIVE.value,),
    Rule.Where.TEST: (Environment.TEST.value,),
}
