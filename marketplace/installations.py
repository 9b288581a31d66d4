"""Installing and uninstalling: consent to scopes, the right to call, and its end."""

from collections.abc import Collection, Container
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core import clock, events, versions
from core.actors import Actor
from core.problems import Conflict, InsufficientScope, NotFound, Problem
from core.states import transition
from marketplace.event_types import (
    INSTALLATION_CREATED,
    INSTALLATION_REMOVED,
    INTEGRATION_INSTALLED,
    INTEGRATION_UNINSTALLED,
)
from marketplace.models import Installation, Integration, Version
from partners.models import Partner


class AlreadyInstalled(Conflict):
    detail = _("This integration is installed already. Uninstall it first to agree to its terms anew.")


class ConsentMissing(Problem):
    """The consumer did not agree to exactly the scopes that the integration asks for."""

    status = 422
    code = "consent_missing"
    title = _("Consent missing")
    detail = _("To agree, send in `scopes` exactly what this integration asks for: {needed}.")
    members = ("needed",)


class TermsChanged(Conflict):
    detail = _("Version {number} was released in the meantime. Look at its terms and price, and agree anew.")


@transaction.atomic
def install(
    *,
    integration: Integration,
    partner: Partner,
    environment: str,
    by: Actor,
    scopes: list[str] | None = None,
    held: Container[str] | None = None,
    number: str | None = None,
) -> Installation:
    """Let a partner call an integration that it can see, from the next call on, at the price of its current version.

    `scopes` is what the consumer agreed to, in full; None agrees to whatever it asks for now. `held` is what the credential
    that agrees may itself, `number` is of the version whose price was shown. Raises NotFound for one that the partner can't
    see, TermsChanged, ConsentMissing, InsufficientScope, AlreadyInstalled.
    """
    integration = _lock(integration, partner, environment)
    version = integration.current
    if version is None:
        raise NotFound()
    if number is not None and number != version.number:
        raise TermsChanged(number=version.number)
    if scopes is not None and set(scopes) != set(version.scopes):
        raise ConsentMissing(needed=" ".join(version.scopes) or "[]")
    for scope in version.scopes:
        if held is not None and scope not in held and "*" not in held:
            raise InsufficientScope(scope=scope)
    installation = Installation(
        partner=partner,
        environment=environment,
        integration=integration,
        version=version,
        granted_scopes=version.scopes,
        price=version.price,
        currency=version.currency,
    )
    try:
        with transaction.atomic():
            installation.save(force_insert=True)
    except IntegrityError as error:
        raise AlreadyInstalled() from error
    versions.bump(partner)
    _tell(installation, integration, version, by, to_consumer=INSTALLATION_CREATED, to_owner=INTEGRATION_INSTALLED)
    return installation


@transaction.atomic
def uninstall(*, installation: Installation, by: Actor) -> None:
    """End a partner's right to call, from the next call on. Raises StaleState if it has ended."""
    transition(installation, Installation.Status.UNINSTALLED, uninstalled_at=clock.now())
    versions.bump(installation.partner)
    _tell(
        installation,
        installation.integration,
        installation.version,
        by,
        to_consumer=INSTALLATION_REMOVED,
        to_owner=INTEGRATION_UNINSTALLED,
    )


def slugs_of(partner_ids: Collection[UUID]) -> dict[tuple[UUID, str], set[str]]:
    """The integrations that partners may call, by partner and environment; the gateway keeps them with the partner's version."""
    rows = Installation.objects.filter(partner__in=partner_ids).present()
    found: dict[tuple[UUID, str], set[str]] = {}
    for partner_id, environment, slug in rows.order_by().values_list("partner_id", "environment", "integration__slug"):
        found.setdefault((partner_id, environment), set()).add(slug)
    return found


def _lock(integration: Integration, partner: Partner, environment: str) -> Integration:
    """The row as it is now, locked against being unpublished meanwhile. Raises NotFound unless the partner can see it."""
    visible = Integration.objects.visible_to(partner, environment).filter(pk=integration.pk)
    row = Integration.objects.select_for_update(of=("self",)).filter(pk__in=visible.values("pk")).first()
    if row is None:
        raise NotFound()
    return row


def _tell(
    installation: Installation, integration: Integration, version: Version, by: Actor, *, to_consumer: Any, to_owner: Any
) -> None:
    about = {"integration_id": integration.public_id, "slug": integration.slug, "version": version.number}
    events.emit(
        type=to_consumer,
        partner=installation.partner_id,
        environment=installation.environment,
        subject=installation,
        actor=by,
        data={"installation_id": installation.public_id, "scopes": installation.granted_scopes, **about},
    )
    # The seller learns that it happened, in the consumer's environment, and nothing about who did it.
    events.emit(
        type=to_owner,
        partner=integration.partner_id,
        environment=installation.environment,
        subject=integration,
        data={**about, "name": integration.name, "status": integration.status},
    )
