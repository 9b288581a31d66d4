"""Make partners with a live key each, on a tier whose limits are counted and never reached: `partners.py COUNT FILE [UPSTREAM]`.

With the URL of an upstream, all of them have installed an integration, `benchmark`, that it serves.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from apikeys.keys import PREFIXES  # noqa: E402  (Django is set up first)
from apikeys.models import Key  # noqa: E402  (Django is set up first)
from core import clock, crypto  # noqa: E402  (Django is set up first)
from core.actors import SYSTEM  # noqa: E402  (Django is set up first)
from marketplace import integrations  # noqa: E402  (Django is set up first)
from marketplace.models import Installation  # noqa: E402  (Django is set up first)
from partners import tiers  # noqa: E402  (Django is set up first)
from partners.models import Partner, Tier  # noqa: E402  (Django is set up first)

count, file, upstreams = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
lowest = tiers.entry()
tier = Tier.objects.create(
    slug="benchmark", name="Benchmark", rank=1_000, currency=lowest.currency, key_rate=10_000_000, partner_rate=10_000_000,
    monthly_quota=1_000_000_000,
)  # fmt: skip
partners = Partner.objects.bulk_create(
    Partner(
        slug=f"partner-{number}",
        name=f"Partner {number}",
        tier=tier,
        status="active",
        activated_at=clock.now(),
        verified_at=clock.now(),
    )
    for number in range(count)
)
texts = [crypto.generate(PREFIXES["live"]) for _ in partners]
Key.objects.bulk_create(
    Key(partner=partner, environment="live", name="Benchmark", digest=crypto.digest(text), hint=text[:12], scopes=["*"])
    for partner, text in zip(partners, texts, strict=True)
)
file.write_text("\n".join(texts) + "\n")
for upstream in upstreams:
    owner = partners[0]
    integration = integrations.create(
        partner=owner, environment="live", by=SYSTEM, slug="benchmark", name="Benchmark", summary="Files.", upstream_url=upstream,
        scopes=["partner:read"],
    ).integration  # fmt: skip
    for verb in (integrations.submit, integrations.approve, integrations.publish):
        integration.refresh_from_db()
        verb(integration=integration, by=SYSTEM)
    integration.refresh_from_db()
    Installation.objects.bulk_create(
        Installation(
            partner=partner, environment="live", integration=integration, version=integration.current, currency=tier.currency,
            granted_scopes=["partner:read"],
        )
        for partner in partners
    )  # fmt: skip
