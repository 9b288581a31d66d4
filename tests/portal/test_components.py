"""Components say what they are given, and never as markup."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.template import engines
from django.test import RequestFactory

from core.tables import Listing


def rendered(source: str, **context: Any) -> str:
    from django_cotton.compiler_regex import CottonCompiler

    template = engines["django"].from_string(CottonCompiler().process(source))
    return str(template.render(context, RequestFactory().get("/list?ordering=name&status=active")))


ROWS = Listing(
    [SimpleNamespace(name="<b>x</b>", status="failed", count=12_345)], "name", ("name",), next_cursor="abc", first=True
)
TABLE = (
    '<c-table :listing="rows" caption="Things">'
    '<c-column name="name" sort /><c-column name="status" badge /><c-column name="count" number /></c-table>'
)


class TestTable:
    def test_cells_are_escaped_and_formatted(self) -> None:
        html = rendered(TABLE, rows=ROWS)
        assert "&lt;b&gt;x&lt;/b&gt;" in html
        assert "<b>x</b>" not in html
        assert 'class="badge badge-bad">failed' in html
        assert '<td class="num">12,345</td>' in html

    def test_ordering_and_next_page_keep_the_rest_of_the_address(self) -> None:
        html = rendered(TABLE, rows=ROWS)
        assert 'aria-sort="ascending"' in html
        assert "?ordering=-name&amp;status=active" in html
        assert "?ordering=name&amp;status=active&amp;cursor=abc" in html

    def test_empty_table_says_what_to_do(self) -> None:
        source = (
            '<c-table :listing="rows" caption="Things"><c-column name="name" /><c-slot name="empty">Make one</c-slot></c-table>'
        )
        html = rendered(source, rows=Listing([], "name", (), None, first=True))
        assert "Make one" in html
        assert "<table" not in html


@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "' onclick=alert(1) x='"])
def test_attributes_that_are_passed_on_are_escaped(value: str) -> None:
    html = rendered('<c-button :data-x="value">Go</c-button>', value=value)
    assert "<script>" not in html
    assert "' onclick" not in html


def test_component_does_not_see_the_page_around_it() -> None:
    assert "secret" not in rendered('<c-card title="Card">body</c-card>', lead="secret")
