"""What operators note about partners."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.models import Entity, User
from partners.models.partners import Partner


class Note(Entity):
    """One operator's words about a partner, for the others."""

    id_prefix = "nte"

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="notes", editable=False, db_index=False)
    operator = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+", editable=False)
    text = models.TextField(_("note"), editable=False)

    class Meta:
        verbose_name = _("note")
        ordering = ["-id"]
        indexes = [models.Index(fields=["partner", "-id"], name="note_of_partner")]
