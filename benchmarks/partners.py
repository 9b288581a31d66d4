"""Make partners with a live key each, on a tier whose limits are counted and never reached: `partners.py COUNT FILE`."""

import os
import sys
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from apikeys.keys import PREFIXES  # noqa: E402  (Django is set up first)
from apikeys.models import Key  # noqa: E402  (Django is set up first)
from core import clock, crypto  # noqa: E402  (Django is set up first)
from partners import tiers  # noqa: E402  (Django is set up first)
from partners.models import Partner, Tier  # noqa: E402  (Django is set up first)

count, file = int(sys.argv[1]), Path(sys.argv[2])
lowest = tiers.entry()
tier = Tier.objects.create(
    slug="benchmark", name="Benchmark", rank=1_000, currency=lowest.currency, key_rate=10_000_000, partner_rate=10_000_000,
    monthly_quota=1_000_000_000,
)  # fmt: skip
partners = Partner.objects.bulk_create(
    Partner(slug=f"partner-{number}", name=f"Partner {number}", tier=tier, status="active", activated_at=clock.now())
    for number in range(count)
)
texts = [crypto.generate(PREFIXES["live"]) for _ in partners]
Key.objects.bulk_create(
    Key(partner=partner, environment="live", name="Benchmark", digest=crypto.digest(text), hint=text[:12], scopes=["*"])
    for partner, text in zip(partners, texts, strict=True)
)
file.write_text("\n".join(texts) + "\n")
