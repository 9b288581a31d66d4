"""The console's lists answer by indexes, whatever is asked of them."""

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apikeys.models import Key
from benchmarks import plans, rows
from benchmarks.console import PAGES
from core.console_lists import MOST_ROWS, DaysFilter
from core.models import Event, User
from core.templatetags.console_list import rows_beyond
from partners.console_filters import PartnerFilter
from partners.models import Document, Member, Partner, Review, TierRequest
from products.requests.models import Request
from tests.portal.conftest import SMALL
from usage.models import Call, HourRollup
from webhooks.models import Delivery, Endpoint

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# What `rows.fill` fills.
BIG = [Partner, User, Member, Review, Document, TierRequest, Key, Event, Endpoint, Delivery, Call, HourRollup, Request]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker) -> Iterator[Partner]:
    """Tables so big that PostgreSQL takes indexes of its own accord; a partner in the middle."""
    with django_db_blocker.unblock(), transaction.atomic():
        rows.fill(partners=12_000, events=60_000)
        yield Partner.objects.order_by("-id")[6_000]
        transaction.set_rollback(True)


class TestPlans:
    """No time is measured: what a page costs must not grow with its table, and that can be read in PostgreSQL's plan.

    A plan that reads a table by an index has no Seq Scan of it, and doesn't pass over thousands of an index's rows to find a
    handful; one whose index has the rows in order sorts no more of them than a list leads through. Without the right index one of
    the three shows at once in tables of this size.
    """

    def test_of_the_pages_that_are_measured(self, filled, console):
        names = {"partner": filled.pk, "partner_id": filled.public_id, "tier": filled.tier_id, "last": "200"}
        faults = [fault for _name, path in PAGES for fault in faults_of(console, path.format(**names))]
        assert not faults, "\n".join(faults)

    @pytest.mark.parametrize("model", BIG, ids=lambda model: model._meta.label)
    def test_of_a_list_in_each_order_with_each_filter_and_searched(self, filled, console, model):
        paths = list(ways_to_ask(console, model, filled))
        faults = [fault for path in paths for fault in faults_of(console, path)]
        assert not faults, "\n".join(faults)

    def test_would_show_a_missing_index(self, filled, console):
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX partner_by_status")
        assert list(faults_of(console, "/admin/partners/partner/?status__exact=suspended"))
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX partner_name_part")
        assert list(faults_of(console, "/admin/partners/partner/?q=globex+777"))


def ways_to_ask(client: Client, model: type[Model], partner: Partner) -> Iterator[str]:
    """The addresses of a list: as it opens, at its end and beyond, by each sortable column, each filter's choice, a search."""
    each = admin.site._registry[model]
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    page = client.get(path)
    cl = page.context["cl"]
    yield path
    yield f"{path}?p={cl.paginator.num_pages}"
    if beyond := rows_beyond(cl):
        yield path + beyond
    for name in each.sortable_by:
        number = cl.list_display.index(name)
        yield from (f"{path}?o={number}", f"{path}?o=-{number}")
    for spec in cl.filter_specs:
        if isinstance(spec, DaysFilter):
            day = f"{timezone.now():%Y-%m-%d}"
            yield from (f"{path}?{spec.field_path}_from={day}", f"{path}?{spec.field_path}_to=2023-11-15")
        elif isinstance(spec, PartnerFilter):
            yield from (f"{path}?of={words}" for words in (partner.slug, partner.public_id, partner.name.replace(" ", "+")))
        else:
            yield from (path + choice["query_string"] for choice in spec.choices(cl) if not choice["selected"])
    if each.search_fields:
        yield from (f"{path}?q={words}" for words in ("acme+12", "acme", "ac", "zz", "qqqq", partner.public_id))


def faults_of(client: Client, path: str) -> Iterator[str]:
    """What a page's plans do that takes the longer the bigger a table is."""
    for plan in plans.of_page(client, path):
        filled = [table for table in plan.scanned if table not in SMALL and _is_big(table)]
        faults = [f"reads all of {filled}"] if filled else []
        if plan.sorted > 2 * (MOST_ROWS + 1):
            faults.append(f"sorts {plan.sorted} rows")
        if plan.in_vain > MOST_ROWS:
            faults.append(f"passes over {plan.in_vain} rows in vain")
        if faults:
            yield f"{path} {', '.join(faults)}: {plan.sql[:600]}\n  " + "\n  ".join(plan.nodes)


def _is_big(table: str) -> bool:
    """Whether this test has filled it: a handful of rows is read from end to end whatever indexes there are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table])
        return cursor.fetchone()[0] > 1_000
