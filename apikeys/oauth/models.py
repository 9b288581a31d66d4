"""Applications, the consents that they have, and their tokens. No text of a secret, code or token is kept: keyed hashes only."""

from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core import clock
from core.crypto import EncryptedField
from core.indexes import trigrams
from core.models import Entity, EntityQuerySet, PartnerOwned, PartnerOwnedQuerySet


class GrantType(models.TextChoices):
    """How an application comes by tokens (RFC 6749, sections 4.4 and 4.1)."""

    CLIENT_CREDENTIALS = "client_credentials", _("For your own partner, with the client secret")
    AUTHORIZATION_CODE = "authorization_code", _("For other partners, with their consent")
    REFRESH_TOKEN = "refresh_token", _("Renew what a partner consented to, without asking again")


class ApplicationQuerySet(PartnerOwnedQuerySet["Application"]):
    def usable(self) -> Self:
        """Those that get and use tokens, as far as the application itself goes."""
        return self.filter(status=Application.Status.ACTIVE)


class Application(PartnerOwned):
    """A program of one partner that gets access tokens, for this partner or for others who consent. Its id is its client id."""

    class Kind(models.TextChoices):
        """RFC 6749, section 2.1."""

        CONFIDENTIAL = "confidential", _("Confidential: it runs on a server and keeps a secret")
        PUBLIC = "public", _("Public: it runs where others can read it, such as a browser or a phone")

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        DISABLED = "disabled", _("Disabled")
        REVOKED = "revoked", _("Revoked")

    TRANSITIONS = {
        Status.ACTIVE: {Status.DISABLED, Status.REVOKED},
        Status.DISABLED: {Status.ACTIVE, Status.REVOKED},
    }

    id_prefix = "app"

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.CONFIDENTIAL, editable=False)
    grant_types = ArrayField(models.CharField(max_length=24, choices=GrantType), verbose_name=_("grant types"))
    scopes = ArrayField(
        models.CharField(max_length=64), verbose_name=_("scopes"), help_text=_("What it may ask for at the most.")
    )
    redirect_uris = ArrayField(models.CharField(max_length=500), verbose_name=_("redirect addresses"), default=list, blank=True)
    ip_allowlist = ArrayField(models.CharField(max_length=43), verbose_name=_("allowed addresses"), default=list, blank=True)
    rate_limit_per_minute = models.PositiveIntegerField(_("calls a minute"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE, editable=False)
    created_by = models.CharField(_("created by"), max_length=200, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="application_of_partner"),
            models.Index(fields=["status", "-id"], name="application_by_status"),
            trigrams("name", name="application_name_part"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_public(self) -> bool:
        """Whether it can keep no secret."""
        return self.kind == Application.Kind.PUBLIC

    @property
    def asks_consent(self) -> bool:
        """Whether it acts for other partners."""
        return GrantType.AUTHORIZATION_CODE in self.grant_types

    def get_absolute_url(self) -> str:
        """Its page in the portal."""
        return reverse("oauth:detail", kwargs={"slug": self.partner.slug, "public_id": self.public_id})


class ClientSecretQuerySet(EntityQuerySet["ClientSecret"]):
    def usable(self) -> Self:
        """Those that authenticate their application now."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=clock.now()), revoked_at=None)


class ClientSecret(Entity):
    """What an application authenticates itself with. Two at a time, so that changing it leaves no gap."""

    id_prefix = "cls"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="secrets", editable=False)
    digest = models.BinaryField(unique=True, editable=False)
    hint = models.CharField(_("client secret"), max_length=24, editable=False)
    expires_at = models.DateTimeField(_("ends"), null=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    created_by = models.CharField(_("created by"), max_length=200, blank=True, editable=False)

    objects: ClassVar = ClientSecretQuerySet.as_manager()

    class Meta:
        verbose_name = _("client secret")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.hint

    @property
    def is_usable(self) -> bool:
        """Whether it authenticates its application now."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > clock.now())


class ConsentQuerySet(PartnerOwnedQuerySet["Consent"]):
    def active(self) -> Self:
        """Those that hold."""
        return self.filter(status=Consent.Status.ACTIVE)


class Consent(PartnerOwned):
    """A partner lets an application act for it, in the application's environment, within these scopes. It is the partner that
    consents, by one of its members: it holds on when the member leaves."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        REVOKED = "revoked", _("Revoked")

    TRANSITIONS = {Status.ACTIVE: {Status.REVOKED}}

    id_prefix = "con"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="consents", editable=False)
    member = models.ForeignKey("partners.Member", on_delete=models.SET_NULL, null=True, related_name="+", editable=False)
    scopes = ArrayField(models.CharField(max_length=64), verbose_name=_("scopes"))
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.ACTIVE, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    version = models.BigIntegerField(default=0, editable=False)

    objects: ClassVar = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["application", "partner"], condition=Q(status="active"), name="consent_once_for_an_application"
            )
        ]
        indexes = [
            models.Index(fields=["partner", "environment", "-id"], name="consent_of_partner"),
            models.Index(fields=["status", "-id"], name="consent_by_status"),
        ]

    def __str__(self) -> str:
        return str(self.application)

    @property
    def maker(self) -> Any:
        """The partner whose application it is."""
        return self.application.partner

    def get_absolute_url(self) -> str:
        """Its page in the portal of the partner that consented."""
        return reverse("oauth:connection", kwargs={"slug": self.partner.slug, "public_id": self.public_id})


class Authorization(Entity):
    """One yes on the consent page: the code that it gave, and the family of all tokens that came of that code."""

    id_prefix = "aut"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+", editable=False)
    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="authorizations", editable=False)
    digest = models.BinaryField(unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=64))
    redirect_uri = models.CharField(max_length=500, blank=True, help_text=_("As it was asked with; empty if it was left out."))
    code_challenge = models.CharField(max_length=128)
    code_expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(db_index=True, help_text=_("When the last refresh token ends, however often it was renewed."))

    class Meta:
        verbose_name = _("authorization")
        ordering = ["-id"]

    code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        """As Authlib asks for it."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The same."""
        return " ".join(self.scopes)


class AccessToken(Entity):
    """An access token that was given out. Its id is the token's `jti`."""

    id_prefix = "tok"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+", editable=False)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, null=True, related_name="+", editable=False)
    digest = models.BinaryField(unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=64))
    expires_at = models.DateTimeField(db_index=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("access token")
        ordering = ["-id"]


class RefreshToken(Entity):
    """A refresh token: good for one use, which gives the next."""

    id_prefix = "rft"

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+", editable=False)
    authorization = models.ForeignKey(Authorization, on_delete=models.CASCADE, related_name="refresh_tokens", editable=False)
    digest = models.BinaryField(unique=True, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("refresh token")
        ordering = ["-id"]

    def get_scope(self) -> str:
        """As Authlib asks for it: what was consented to, not what the last token was narrowed to (RFC 6749, section 6)."""
        return self.authorization.get_scope()

    def check_client(self, client: Any) -> bool:
        """The same."""
        return bool(client.application.pk == self.application_id)


class SigningKeyQuerySet(EntityQuerySet["SigningKey"]):
    def published(self) -> Self:
        """Those that stand in the JWKS: coming, current, and past ones while tokens of theirs may be about."""
        return self.filter(Q(removed_at=None) | Q(removed_at__gt=clock.now()))


class SigningKey(Entity):
    """A key that signs access tokens from `signs_from` on, until a later one does. Its public id is the `kid`."""

    id_prefix = "sig"

    private_key = EncryptedField(null=True, editable=False, help_text=_("A JWK; gone once the key has signed its last token."))
    public_key = models.JSONField(editable=False)
    signs_from = models.DateTimeField(_("signs from"))
    removed_at = models.DateTimeField(_("leaves the published keys"), null=True, editable=False)

    objects: ClassVar = SigningKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("signing key")
        ordering = ["-id"]

    @property
    def state(self) -> str:
        """`coming`, `current`, `past` (still published) or `removed`."""
        now = clock.now()
        if self.removed_at is not None and self.removed_at <= now:
            return "removed"
        if self.signs_from > now:
            return "coming"
        later = SigningKey.objects.filter(signs_from__gt=self.signs_from, signs_from__lte=now)
        return "past" if later.published().exists() else "current"
