"""The console's lists: what they find, and that they stop counting in time."""

import html
import re

import pytest
from django.contrib import admin
from django.contrib.admin.filters import AllValuesFieldListFilter, RelatedFieldListFilter
from django.db import connection
from django.test.utils import CaptureQueriesContext
from unfold.templatetags import unfold_list

from core.console_lists import MOST_FOUND, MOST_ROWS, ConsoleList
from core.models import User
from partners.models import Member, Partner, Tier
from tests.portal.conftest import SMALL

pytestmark = pytest.mark.django_db


def test_every_list_of_ours_is_bounded():
    others = {
        model._meta.label
        for model, console in admin.site._registry.items()
        if not isinstance(console, ConsoleList) and model._meta.app_label != "django_celery_beat"
    }
    assert not others, f"derive their admin classes from core.console_lists.ConsoleList: {others}"


def test_no_filter_looks_through_a_table_for_its_values(console):
    faults = []
    for model, each in admin.site._registry.items():
        if model._meta.app_label == "django_celery_beat":
            continue
        request = console.get("/admin/").wsgi_request
        for spec in each.get_changelist_instance(request).filter_specs:
            if isinstance(spec, AllValuesFieldListFilter):
                faults.append(f"{model._meta.label}: {spec.title}; use core.console_lists.among")
            if isinstance(spec, RelatedFieldListFilter) and spec.field.related_model._meta.db_table not in SMALL:
                faults.append(f"{model._meta.label}: {spec.title} lists a table that may be big")
    assert not faults, "\n".join(faults)


def test_count_stops_and_says_so(console):
    tier = Tier.objects.first() or Tier.objects.create(slug="t", name="T", rank=1)
    Partner.objects.bulk_create(Partner(slug=f"p-{n}", name=f"P {n}", tier=tier) for n in range(MOST_ROWS + 1))
    page = console.get("/admin/partners/partner/").content.decode()
    assert "The first 5,000 of many partners" in page
    assert "Show all</a>" not in page
    assert console.get("/admin/partners/partner/?p=100").status_code == 200
    found = console.get("/admin/partners/partner/?q=P+4321").content.decode()
    assert "1 partner" in found
    assert "Show all</a>" in found


def test_goes_on_beyond_where_it_leads(console):
    tier = Tier.objects.create(slug="t", name="T", rank=1)
    Partner.objects.bulk_create(Partner(slug=f"p-{n}", name=f"P {n}", tier=tier) for n in range(MOST_ROWS + 30))
    first, last = (console.get(f"/admin/partners/partner/?p={number}") for number in (1, 200))
    assert "Go on from here" not in first.content.decode()
    (link,) = re.findall(r'href="([^"]*)"[^>]*>Go on from here', last.content.decode())
    rest = console.get(f"/admin/partners/partner/{html.unescape(link)}").context["cl"]
    assert [row.name for row in rest.result_list] == [f"P {n}" for n in range(29, 4, -1)]
    assert rest.result_count == 30


class TestRows:
    """They look as Unfold would draw them."""

    @pytest.fixture
    def page(self, console) -> str:
        tier = Tier.objects.create(slug="t", name="Gold & Co", rank=1)
        Partner.objects.create(slug="acme", name="<b>Acme</b>", tier=tier)
        User.objects.create_user("ann@lovelace.example", name="Ann")
        return console.get("/admin/partners/partner/?q=acme").content.decode()

    def test_are_those_of_unfold(self, console, page):
        cl = console.get("/admin/partners/partner/?q=acme").context["cl"]
        (theirs,) = unfold_list.results(cl)
        ours = page[page.index('<tr class="data-row') : page.index("</tr></tbody>")]
        cells = [_plain(cell) for cell in theirs]
        assert [_plain(cell) for cell in re.findall(r"<(?:td|th).*?</(?:td|th)>", ours, re.S)] == cells

    def test_escape_what_partners_wrote(self, page):
        assert "&lt;b&gt;Acme&lt;/b&gt;" in page
        assert "<b>Acme" not in page
        assert "Gold &amp; Co" in page

    def test_lead_to_the_row_and_back_to_the_list_as_it_is(self, console, page):
        row = Partner.objects.get()
        assert f'href="/admin/partners/partner/{row.pk}/change/?_changelist_filters=q%3Dacme"' in page
        assert f'name="_selected_action" value="{row.pk}"' in page


def _plain(cell: str) -> str:
    """Without what makes no difference: white space between tags, and a class of Django's that nothing gives a look."""
    return re.sub(r"\s+(?=[<>])|(?<=>)\s+| nowrap", "", re.sub(r"\s+", " ", str(cell)))


class TestSearch:
    @pytest.fixture
    def acme(self) -> Partner:
        tier = Tier.objects.create(slug="t", name="T", rank=1)
        for number in range(3):
            Partner.objects.create(slug=f"other-{number}", name=f"Other {number}", tier=tier)
        acme = Partner.objects.create(slug="acme-tools", name="Acme & Söhne 100%", tier=tier)
        user = User.objects.create_user("ann@lovelace.example", name="Ann")
        Member.objects.create(partner=acme, user=user, role="owner")
        return acme

    @pytest.mark.parametrize(
        "words", ["acme", "ACME & s", "söhne", "100%", "tools", "ac", "A", "ann@", "LOVELACE", "  acme-tools "]
    )
    def test_finds_by_each_column_in_any_case(self, console, acme, words):
        found = console.get("/admin/partners/partner/", {"q": words}).context["cl"].result_list
        assert [row.pk for row in found] == [acme.pk]

    @pytest.mark.parametrize("words", ["nobody", "%", "_cme", "ptn_zzzzzzzzzzzzzzzzzzzzzzzzzz", "\\", "'"])
    def test_finds_nothing_where_nothing_is(self, console, acme, words):
        assert len(console.get("/admin/partners/partner/", {"q": words}).context["cl"].result_list) == 0

    def test_finds_by_id_and_what_is_the_partners(self, console, acme):
        partners = console.get("/admin/partners/partner/", {"q": acme.public_id}).context["cl"].result_list
        members = console.get("/admin/partners/member/", {"q": acme.public_id}).context["cl"].result_list
        assert [row.pk for row in partners] == [acme.pk]
        assert [row.partner_id for row in members] == [acme.pk]

    def test_says_that_there_are_more(self, console, acme):
        Partner.objects.bulk_create(Partner(slug=f"many-{n}", name=f"Many {n}", tier=acme.tier) for n in range(MOST_FOUND + 1))
        assert "The newest 500 partners with these words." in console.get("/admin/partners/partner/?q=many").content.decode()

    def test_keeps_to_the_filters(self, console, acme):
        page = console.get("/admin/partners/partner/", {"q": "acme", "status__exact": "active"})
        assert len(page.context["cl"].result_list) == 0

    def test_asks_few_questions(self, console, acme):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            console.get("/admin/partners/partner/", {"q": "acme"})
        assert len(captured) < 20
