"""The list of partners is answered by indexes, whatever is asked of it."""

import pytest
from django.db import connection
from django.test import Client

from benchmarks import plans, rows
from partners import tiers
from partners.models import Partner, Tier

pytestmark = pytest.mark.django_db

PATHS = (
    "/partners",
    "/partners?q=routes+4711",
    "/partners?q=partner",
    "/partners?q=nobody",
    "/partners?type=enterprise",
    "/partners?industry=retail",
    "/partners?industry=legal",
    "/partners?q=routes&industry=legal&type=business",
    "/partners/partner-4711",
)
# One in a hundred, as the rare ones are.
INDUSTRIES = "CASE WHEN i % 100 = 0 THEN ARRAY['legal','retail'] ELSE ARRAY['retail','software'] END"


@pytest.fixture
def many(db: None) -> None:
    tiers.seed()
    rows.put(Partner, 20_000, {
        "slug": "'partner-' || i", "name": "'Partner ' || i", "summary": "'Plans routes ' || i", "industries": INDUSTRIES,
        "type": "(ARRAY['technology','business','marketplace','enterprise'])[1 + i % 4]", "status": "'active'",
        "tier_id": f"'{Tier.objects.first().pk}'", "activated_at": "now()", "created_at": "now()",
    })  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE partners_partner")


def test_no_question_reads_all_partners(many: None) -> None:
    client = Client()
    asked = [(path, plan) for path in PATHS for plan in plans.of_page(client, path)]
    faults = [
        f"{path} ({plan.milliseconds:.0f} ms): {plan.sql}\n  " + "\n  ".join(plan.nodes)
        for path, plan in asked
        if "partners_partner" in plan.scanned or plan.milliseconds > 100
    ]
    assert not faults, "\n".join(faults)


def test_following_pages_go_on_where_the_last_ended(many: None) -> None:
    client, seen, path = Client(), [], "/partners?industry=legal"
    for _page in range(3):
        text = client.get(path).content.decode()
        seen += [part.split('"')[0] for part in text.split('class="tile-link" href="')[1:]]
        path = "/partners" + text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 72
