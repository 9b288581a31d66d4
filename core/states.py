"""How a state changes: by compare-and-swap in the database, never by reading, deciding and saving."""

from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from core.problems import Conflict


class StaleState(Conflict):
    """Somebody else changed it first, or the change isn't one that its state allows."""

    detail = _("It changed in the meantime, or its state does not allow this. Read it again and decide anew.")


def swap(instance: Model, *, where: dict[str, Any], **changes: Any) -> None:
    """Write `changes` if the row still is as `where` says; the instance follows. Raises StaleState otherwise."""
    changed = type(instance)._base_manager.filter(pk=instance.pk, **where).update(**changes)
    if not changed:
        raise StaleState()
    for name, value in changes.items():
        if not hasattr(value, "resolve_expression"):
            setattr(instance, name, value)


def transition(instance: Model, to: Any, **changes: Any) -> None:
    """Move `status` along the model's TRANSITIONS. Raises StaleState where no arrow leads from the state it has now."""
    transitions: dict[Any, set[Any]] = instance.TRANSITIONS  # type: ignore[attr-defined]  # by convention of models with a state
    sources = [source for source, targets in transitions.items() if to in targets]
    swap(instance, where={"status__in": sources}, status=to, **changes)
