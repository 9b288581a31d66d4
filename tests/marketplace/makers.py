"""Partners and integrations, made through the verbs."""

import uuid
from typing import Any

from core.actors import Actor
from marketplace import integrations
from marketplace.models import Integration
from partners import partners
from partners.models import Partner

MEMBER = Actor("member", uuid.uuid4(), "ann@seller.example")
OPERATOR = Actor("operator", uuid.uuid4(), "op@portico.example")


def make_partner(slug: str) -> Partner:
    return partners.create(name=slug.title(), by=OPERATOR, active=True)


def draft(partner: Partner, *, environment: str = "live", **fields: Any) -> Integration:
    given = {"slug": "weather", "name": "Weather", "summary": "Forecasts by place.", "upstream_url": "http://127.0.0.1:21599/v1"}
    return integrations.create(partner=partner, environment=environment, by=MEMBER, **(given | fields)).integration


def published(partner: Partner, **fields: Any) -> Integration:
    integration = draft(partner, **fields)
    integration = integrations.submit(integration=integration, by=MEMBER)
    if integration.environment == "live":
        integrations.approve(integration=integration, by=OPERATOR)
    return integrations.publish(integration=integration, by=MEMBER)
