"""Attempts counted by the hour; see `webhooks.tallies`."""

from typing import ClassVar

from django.db import models


class Tally(models.Model):
    """An endpoint's attempts of one hour: how many, how many failed, and how long they took."""

    endpoint = models.ForeignKey("webhooks.Endpoint", on_delete=models.CASCADE, related_name="+", db_index=False, editable=False)
    hour = models.DateTimeField(editable=False)
    attempts = models.PositiveIntegerField(editable=False)
    failed = models.PositiveIntegerField(editable=False)
    duration_ms = models.PositiveBigIntegerField(editable=False, help_text="Of all together.")
    slowest_ms = models.PositiveIntegerField(editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "hour"], name="webhooks_tally_once")]
        indexes = [models.Index(fields=["hour"], name="webhooks_tally_hour")]

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.hour:%Y-%m-%d %H}"
