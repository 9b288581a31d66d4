"""How patiently an upstream is treated: fields that integrations and the operator's own products share."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.upstreams import Upstream


def longest_wait() -> int:
    """Seconds, as the operator of this installation has decided."""
    return int(settings.UPSTREAM_LONGEST_WAIT)


def longest_silence() -> int:
    """Seconds that an event stream or a WebSocket may say nothing."""
    return int(settings.UPSTREAM_LONGEST_SILENCE)


def _between(least: int, most: Any) -> list[BaseValidator]:
    return [MinValueValidator(least), MaxValueValidator(most)]


class Tuned(models.Model):
    """Times are whole seconds."""

    TUNING: ClassVar = frozenset(
        {"connect_timeout", "head_timeout", "idle_timeout", "stream_idle_timeout", "retries", "websocket"}
    )

    connect_timeout = models.PositiveSmallIntegerField(
        _("seconds to connect"), default=5, validators=_between(1, 30), help_text=_("Until a connection stands, TLS included.")
    )
    head_timeout = models.PositiveSmallIntegerField(
        _("seconds to answer"),
        default=30,
        validators=_between(1, longest_wait),
        help_text=_("Until the answer begins."),
    )
    idle_timeout = models.PositiveSmallIntegerField(
        _("seconds between parts"),
        default=30,
        validators=_between(1, longest_wait),
        help_text=_("Between two parts of an answer."),
    )
    stream_idle_timeout = models.PositiveSmallIntegerField(
        _("seconds of silence in streams"),
        default=300,
        validators=_between(1, longest_silence),
        help_text=_("Of event streams and WebSockets; heartbeats count as signs of life."),
    )
    retries = models.PositiveSmallIntegerField(
        _("retries"),
        default=1,
        validators=_between(0, 2),
        help_text=_("Of GET, HEAD and OPTIONS without a body, if nothing at all came back."),
    )
    websocket = models.BooleanField(_("WebSockets"), default=False, help_text=_("Calls may become WebSockets."))

    class Meta:
        abstract = True

    def upstream(self, url: str, *, private: bool = False) -> Upstream:
        """As the gateway needs it."""
        return Upstream(
            url=url,
            connect_timeout=self.connect_timeout,
            head_timeout=self.head_timeout,
            idle_timeout=self.idle_timeout,
            stream_idle_timeout=self.stream_idle_timeout,
            retries=self.retries,
            websocket=self.websocket,
            private=private,
        )
