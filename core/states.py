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
        raise _stale(instance, where)
    for name, value in changes.items():
        if not hasattr(value, "resolve_expression"):
            setattr(instance, name, value)


def transition(instance: Model, to: Any, **changes: Any) -> None:
    """Move `status` along the model's TRANSITIONS. Raises StaleState where no arrow leads from the state it has now."""
    transitions: dict[Any, set[Any]] = instance.TRANSITIONS  # type: ignore[attr-defined]  # by convention of models with a state
    sources = [source for source, targets in transitions.items() if to in targets]
    swap(instance, where={"status__in": sources}, status=to, **changes)


def _stale(instance: Model, where: dict[str, Any]) -> StaleState:
    """Naming the state that it is in, where that is what stands in the way."""
    kind = type(instance)
    for name in ("status", "state"):
        allowed = where.get(f"{name}__in") or ([where[name]] if name in where else [])
        found = kind._base_manager.filter(pk=instance.pk).values_list(name, flat=True).first() if allowed else None
        if found is not None and found not in allowed:
            field: Any = kind._meta.get_field(name)
            label = dict(field.flatchoices).get(found, found)
            return StaleState(_("It is “{state}” now, and its state does not allow this."), state=label)
    return StaleState()
