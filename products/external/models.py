"""APIs of the operator's own that run elsewhere."""

from datetime import timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core import clock, health
from core.crypto import EncryptedField
from core.health import Health
from core.models import Entity, EntityQuerySet, Environment
from core.scopes import Scope
from core.tuning import Tuned
from core.upstreams import Operation
from products.external import rules

SLUG = RegexValidator(r"^[a-z0-9]+(-[a-z0-9]+)*\Z", _("Lower-case letters, digits and single hyphens."))
WEB_ADDRESS = URLValidator(schemes=["http", "https"])


class ProductQuerySet(EntityQuerySet["Product"]):
    def enabled(self) -> Self:
        """Those that can be called."""
        return self.filter(status=Product.Status.ENABLED)


class Product(Entity, Tuned):
    """An API under `/apis/<slug>/` whose upstream is the operator's; see `products.external.products` for what may happen."""

    class Status(models.TextChoices):
        DISABLED = "disabled", _("Off")
        ENABLED = "enabled", _("On")

    TRANSITIONS = {Status.DISABLED: {Status.ENABLED}, Status.ENABLED: {Status.DISABLED}}
    LONGEST_OVERLAP = timedelta(days=30)

    id_prefix = "prd"

    slug = models.SlugField(
        _("slug"),
        max_length=40,
        unique=True,
        validators=[SLUG],
        help_text=_("The end of its address, /apis/orders/, and the beginning of its scopes. It can’t be changed later."),
    )
    name = models.CharField(_("name"), max_length=80)
    description = models.TextField(_("description"), max_length=10_000, blank=True, help_text=_("Markdown, for partners."))
    upstream_url = models.URLField(
        _("upstream"),
        max_length=500,
        validators=[WEB_ADDRESS],
        help_text=_("Where live calls are sent on to. On a private network only if PORTICO_PRIVATE_UPSTREAMS names it."),
    )
    test_upstream_url = models.URLField(
        _("upstream of the test environment"),
        max_length=500,
        blank=True,
        validators=[WEB_ADDRESS],
        help_text=_(
            "Empty: calls with test keys are refused. They are free, and partners have such keys before they are approved."
        ),
    )
    scopes = models.TextField(
        _("scopes"),
        max_length=20_000,
        blank=True,
        help_text=_("One a line: orders:read, where orders is the slug, and what it allows in words."),
    )
    operations = models.TextField(
        _("operations"),
        max_length=20_000,
        help_text=_(
            "One a line: methods, path, scopes. “GET /orders/{id} orders:read”; * for all methods, {path...} for any rest. The "
            "first that fits counts; what none fits is refused."
        ),
    )
    least_tier = models.ForeignKey(
        "partners.Tier",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("least tier"),
        help_text=_("Callers on a lower one are refused. Empty: every tier has it."),
    )
    headers = EncryptedField(_("headers"), null=True, editable=False)
    signing_secret = EncryptedField(editable=False)
    previous_secret = EncryptedField(null=True, editable=False)
    previous_until = models.DateTimeField(_("the secret before holds until"), null=True, editable=False)
    status = models.CharField(_("state"), max_length=8, choices=Status, default=Status.DISABLED, editable=False)
    enabled_at = models.DateTimeField(_("first switched on"), null=True, editable=False)
    down_since = models.DateTimeField(_("down since"), null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("API product")
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(status="enabled") | Q(enabled_at__isnull=False), name="product_enabled_at_some_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def base_url(self) -> str:
        """Where partners call it."""
        return f"{settings.BASE_URL}/apis/{self.slug}"

    @property
    def signing_secrets(self) -> tuple[str, ...]:
        """Those that hold now: two for a while after a rotation."""
        overlaps = self.previous_until is not None and self.previous_until > clock.now()
        return (str(self.signing_secret), str(self.previous_secret)) if overlaps else (str(self.signing_secret),)

    @property
    def declared(self) -> list[Scope]:
        """Its scopes."""
        return rules.scopes(self.scopes, self.slug)[0]

    @property
    def offered(self) -> list[Operation]:
        """Its operations, in the order in which they are looked through."""
        return rules.operations(self.operations, [scope.name for scope in self.declared])[0]

    @property
    def sent(self) -> dict[str, str]:
        """What headers the upstream gets besides."""
        return rules.headers(str(self.headers or ""), {})[0]

    def health_in(self, environment: str) -> Health:
        """How its upstream of an environment does, as the gateways see it."""
        return health.named(f"{self.pk.hex}:test" if environment == Environment.TEST else self.pk.hex)
