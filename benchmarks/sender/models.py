"""The peer's tables."""

from django.db import models


class Endpoint(models.Model):
    """Where events are sent."""

    url = models.URLField()
    secret = models.CharField(max_length=64)

    class Meta:
        app_label = "sender"

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """What happened."""

    type = models.CharField(max_length=80)
    data = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "sender"

    def __str__(self) -> str:
        return self.type


class Attempt(models.Model):
    """One POST."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE)
    event = models.ForeignKey(Event, on_delete=models.CASCADE)
    status = models.PositiveSmallIntegerField(null=True)
    duration_ms = models.PositiveIntegerField()
    answer = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        app_label = "sender"

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.status}"
