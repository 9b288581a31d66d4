"""The life of an API product: made by an operator, switched on and off, changed while it is called."""

import secrets
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core import addresses, clock, events, slugs, versions
from core.actors import Actor
from core.problems import Conflict, NotFound, ValidationError
from core.roles import RIGHTS
from core.scopes import FAMILIES, family
from core.states import transition
from products.external import rules
from products.external.event_types import (
    PRODUCT_CREATED,
    PRODUCT_DELETED,
    PRODUCT_DISABLED,
    PRODUCT_ENABLED,
    PRODUCT_SECRET_ROTATED,
    PRODUCT_UPDATED,
)
from products.external.models import Product

Status = Product.Status

EDITABLE = frozenset(
    {"name", "description", "upstream_url", "test_upstream_url", "scopes", "operations", "least_tier", "headers"} | Product.TUNING
)
SECRET_PREFIX = "whsec_"  # noqa: S105  (not a secret: how Standard Webhooks spells them)


class InUse(Conflict):
    detail = _("An API product that was switched on once can't be deleted: keys and calls name it. Switch it off instead.")


@dataclass(frozen=True, slots=True)
class Made:
    """A product and, this once, the secret with which the gateway signs what it sends to the upstream."""

    product: Product
    signing_secret: str


@transaction.atomic
def create(*, slug: str, by: Actor, **fields: Any) -> Made:
    """A product, switched off. `fields` are those of EDITABLE. Raises ValidationError."""
    secret = _new_secret()
    product = Product(slug=slug, signing_secret=secret)
    _set(product, fields)
    with slugs.claiming():
        product.save(force_insert=True)
    emit(PRODUCT_CREATED, product, by, settings={name: _told(product, name) for name in sorted(EDITABLE)})
    return Made(product, secret)


@transaction.atomic
def update(*, product: Product, changes: Mapping[str, Any], by: Actor) -> Product:
    """Change fields of EDITABLE, from the next call on. Raises ValidationError."""
    row = _locked(product)
    before = {name: _told(row, name) for name in EDITABLE}
    had, sent = {scope.name for scope in row.declared}, row.sent
    _set(row, changes)
    changed = {name: [before[name], _told(row, name)] for name in sorted(EDITABLE) if before[name] != _told(row, name)}
    if row.sent != sent:  # a value alone may have changed, which nobody is told
        changed["headers"] = [before["headers"], _told(row, "headers")]
    if changed:
        row.save(update_fields=list(changed))
        versions.bump(row)
        gone = sorted(had - {scope.name for scope in row.declared})
        emit(PRODUCT_UPDATED, row, by, changes=changed, **({"removed_scopes": gone} if gone else {}))
    return row


@transaction.atomic
def enable(*, product: Product, by: Actor) -> None:
    """Let its calls through. Raises StaleState."""
    transition(product, Status.ENABLED, enabled_at=product.enabled_at or clock.now())
    versions.bump(product)
    emit(PRODUCT_ENABLED, product, by)


@transaction.atomic
def disable(*, product: Product, by: Actor) -> None:
    """Refuse its calls from the next one on; keys keep its scopes. Raises StaleState."""
    transition(product, Status.DISABLED)
    versions.bump(product)
    emit(PRODUCT_DISABLED, product, by)


@transaction.atomic
def rotate_secret(*, product: Product, overlap: timedelta, by: Actor) -> Made:
    """Sign with another secret; for `overlap` with the one before too, so that the upstream can change over without a gap.

    Raises ValidationError for an overlap beyond LONGEST_OVERLAP.
    """
    if not timedelta(0) <= overlap <= Product.LONGEST_OVERLAP:
        raise ValidationError({"overlap": [str(_("At most {days} days.")).format(days=Product.LONGEST_OVERLAP.days)]})
    row = _locked(product)
    row.previous_secret, row.signing_secret = (row.signing_secret, _new_secret()) if overlap else (None, _new_secret())
    row.previous_until = clock.now() + overlap if overlap else None
    row.save(update_fields=["previous_secret", "signing_secret", "previous_until"])
    versions.bump(row)
    until = row.previous_until.isoformat() if row.previous_until else None
    emit(PRODUCT_SECRET_ROTATED, row, by, previous_until=until)
    return Made(row, str(row.signing_secret))


@transaction.atomic
def delete(*, product: Product, by: Actor) -> None:
    """Remove one that was never switched on. Raises InUse."""
    row = _locked(product)
    if row.enabled_at is not None:
        raise InUse()
    emit(PRODUCT_DELETED, row, by)
    row.delete()


def _set(product: Product, fields: Mapping[str, Any]) -> None:
    """Put the fields into the row. Raises ValidationError for what can't be served."""
    if strange := fields.keys() - EDITABLE:
        raise ValueError(f"no fields of a product: {strange}")
    kept = product.sent
    for name, value in fields.items():
        setattr(product, name, value)
    found, mistakes = rules.headers(str(product.headers or ""), kept)
    product.headers = rules.spelled(found)
    product.full_clean(exclude=["signing_secret", "previous_secret", "headers"])
    if product.slug in FAMILIES or product.slug in map(family, RIGHTS):
        raise ValidationError({"slug": [str(_("Scopes that begin so are the platform's own. Choose another word."))]})
    declared, wrong_scopes = rules.scopes(product.scopes, product.slug)
    wrong_operations = rules.operations(product.operations, [scope.name for scope in declared])[1]
    errors = {
        "scopes": wrong_scopes,
        "operations": [] if wrong_scopes else wrong_operations,
        "headers": mistakes,
        "upstream_url": _refusals(product.upstream_url),
        "test_upstream_url": _refusals(product.test_upstream_url),
    }
    if errors := {name: said for name, said in errors.items() if said}:
        raise ValidationError(errors)


def _refusals(url: str) -> list[str]:
    """Why the gateway would not send calls there; nothing if it would."""
    if not url:
        return []
    try:
        addresses.check_url(url, private=True)
    except addresses.Refused as refused:
        return [refused.reason]
    theirs, ours = urlsplit(url), urlsplit(settings.BASE_URL)
    if theirs.query or theirs.fragment:
        return [str(_("Leave out what follows ? or #: the caller's query is sent on. Put a credential into the headers."))]
    if (theirs.hostname, theirs.port) == (ours.hostname, ours.port):
        return [str(_("This is the platform's own address. Give the address of your API."))]
    return []


def _locked(product: Product) -> Product:
    """The row as it is now. Raises NotFound if it was deleted meanwhile."""
    found: Product | None = Product.objects.select_for_update().filter(pk=product.pk).first()
    if found is None:
        raise NotFound()
    return found


def _new_secret() -> str:
    return SECRET_PREFIX + b64encode(secrets.token_bytes(32)).decode()


def _told(product: Product, name: str) -> Any:
    """A field as events tell it: of headers their names alone."""
    if name == "headers":
        return sorted(product.sent)
    if name == "least_tier":
        return str(product.least_tier.slug) if product.least_tier else ""
    return getattr(product, name)


def emit(type: events.EventType, product: Product, by: Actor, **more: Any) -> None:
    """Write down a fact about a product."""
    data = {
        "product_id": product.public_id,
        "slug": product.slug,
        "name": product.name,
        "status": str(product.status),
        **more,
    }
    events.emit(type=type, subject=product, actor=by, data=data)
