"""Logos: the pictures that partners are known by."""

import secrets
from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Entity, EntityQuerySet
from partners.models.partners import Partner


def _place(logo: "Logo", filename: str) -> str:
    """Where a picture is kept: under a name that nobody can guess."""
    return f"logos/{secrets.token_hex(1)}/{secrets.token_hex(24)}"


class LogoQuerySet(EntityQuerySet["Logo"]):
    def shown(self) -> Self:
        """Those of partners that are not closed."""
        return self.filter(partner__deleted_at=None).exclude(partner__status=Partner.Status.CLOSED)


class Logo(Entity):
    """A partner's logo in two sizes, as PNG. `name` is the hash of the pictures, and part of their address, so that a changed
    logo has another one and caches may keep what they have for ever."""

    id_prefix = "lgo"

    SMALL, LARGE = 64, 256

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="logos")
    name = models.CharField(max_length=64, editable=False, db_index=True)
    small = models.FileField(upload_to=_place, max_length=200)
    large = models.FileField(upload_to=_place, max_length=200)

    objects: ClassVar = LogoQuerySet.as_manager()

    class Meta:
        verbose_name = _("logo")
        constraints = [models.UniqueConstraint(fields=["partner", "name"], name="logo_once")]

    def __str__(self) -> str:
        return self.name

    def file(self, size: int) -> models.fields.files.FieldFile:
        """The picture of this size."""
        found: models.fields.files.FieldFile = self.small if size == self.SMALL else self.large
        return found
