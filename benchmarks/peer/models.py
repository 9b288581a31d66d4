from django.db import models


class Usage(models.Model):
    """One request."""

    prefix = models.CharField(max_length=16, db_index=True)
    path = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField()
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        app_label = "peer"

    def __str__(self) -> str:
        return f"{self.prefix} {self.path}"
