"""The handler of `ONBOARDING` requests: how ready a partner is to go live, and to be told what happens."""

import asyncio
from typing import Any

from apikeys.models import Key
from core import outbound
from core.models import Environment
from partners import onboarding
from partners.models import Partner
from products.requests.handlers import Work
from webhooks.models import Endpoint

PATIENCE = 5.0
MOST_ENDPOINTS = 20


def check(work: Work) -> dict[str, Any]:
    """The partner's readiness: `ready` says whether nothing is missing; the rest says what is there and what is not."""
    partner = Partner.objects.select_related("tier").get(pk=work.partner_id)
    progress = onboarding.progress(partner)
    work.report(30)
    endpoints = Endpoint.objects.for_caller(partner, work.environment).present().order_by("id")[:MOST_ENDPOINTS]
    found = asyncio.run(_look_at(list(endpoints)))
    usable = {each: Key.objects.for_caller(partner, each).usable().count() for each in Environment.values}
    return {
        "ready": partner.status == Partner.Status.ACTIVE and not any(step.missing for step in progress.steps),
        "status": partner.status,
        "onboarding": {
            "status": progress.status,
            "current": progress.current,
            "steps": [
                {"name": step.name, "title": str(step.title), "state": step.state, "missing": step.missing}
                for step in progress.steps
            ],
        },
        "missing": [name for step in progress.steps for name in step.missing],
        "keys": usable,
        "webhooks": found,
    }


async def _look_at(endpoints: list[Endpoint]) -> list[dict[str, Any]]:
    async with outbound.Client() as client:
        return await asyncio.gather(*(_reach(client, endpoint) for endpoint in endpoints))


async def _reach(client: outbound.Client, endpoint: Endpoint) -> dict[str, Any]:
    """Any answer at all means that somebody listens; what it says to a HEAD is the endpoint's own affair."""
    about = {"id": endpoint.public_id, "url": endpoint.url, "status": str(endpoint.status)}
    try:
        answer = await client.fetch("HEAD", endpoint.url, headers={}, body=None, timeout=PATIENCE)
    except outbound.Unreachable as error:
        return {**about, "reachable": False, "detail": error.reason}
    except outbound.Refused as error:
        return {**about, "reachable": False, "detail": str(error)}
    return {**about, "reachable": True, "detail": f"HTTP {answer.status}"}
