"""Filters on what events say: what fits them, and what is refused with the place of the mistake."""

from typing import Any

import pytest

from core.problems import ValidationError
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import make_endpoint, publish, seal_all
from webhooks import payload_filters
from webhooks.models import Delivery, Endpoint

ORDER = {
    "amount": {"total": "149.50", "currency": "USD"},
    "count": 3,
    "paid": True,
    "note": None,
    "reference": "INV-2026-17",
    "lines": [{"sku": "a"}, {"sku": "b", "tags": ["new", "blue"]}],
}


@pytest.mark.parametrize(
    ("filter", "passes"),
    [
        ({}, True),
        ({"data.amount.currency": ["USD"]}, True),
        ({"data.amount.currency": ["EUR", "USD"]}, True),
        ({"data.amount.currency": ["EUR"]}, False),
        ({"data.amount.currency": ["USD"], "data.count": [4]}, False),
        ({"data.amount.total": [{"numeric": [">", 100]}]}, True),
        ({"data.amount.total": [{"numeric": [">", 100, "<=", 149.5]}]}, True),
        ({"data.count": [{"numeric": [">", 3]}]}, False),
        ({"data.amount.currency": [{"numeric": [">", 0]}]}, False),
        ({"data.paid": [True]}, True),
        ({"data.paid": [1]}, False),
        ({"data.paid": [{"numeric": ["=", 1]}]}, False),
        ({"data.count": [3.0]}, True),
        ({"data.note": [None]}, True),
        ({"data.note": [{"exists": True}]}, True),
        ({"data.gone": [None]}, False),
        ({"data.gone": [{"exists": False}]}, True),
        ({"data.gone": ["x", {"exists": False}]}, True),
        ({"data.reference": [{"prefix": "INV-"}]}, True),
        ({"data.reference": [{"suffix": "-18"}]}, False),
        ({"data.reference": [{"equals-ignore-case": "inv-2026-17"}]}, True),
        ({"data.reference": [{"anything-but": ["a", "b"]}]}, True),
        ({"data.reference": [{"anything-but": {"prefix": "INV"}}]}, False),
        ({"data.gone": [{"anything-but": "x"}]}, False),
        ({"data.lines.sku": ["b"]}, True),
        ({"data.lines.tags": [{"prefix": "bl"}]}, True),
        ({"data.lines.sku.deeper": ["b"]}, False),
    ],
)
def test_what_passes(filter: dict[str, Any], passes: bool) -> None:
    assert payload_filters.matches(payload_filters.checked(filter), ORDER) is passes


@pytest.mark.parametrize(
    ("filter", "pointer"),
    [
        ([], "/filter"),
        ({"data.x": ["a\x00b"]}, "/filter"),
        ({"data.x": ["\ud800"]}, "/filter"),
        ({"data.x": [{"numeric": ["<", float("inf")]}]}, "/filter"),
        ({f"data.n{number}": [1] for number in range(21)}, "/filter"),
        ({"data.x": ["x" * 4_000]}, "/filter"),
        ({"type": ["x"]}, "/filter/type"),
        ({"data": ["x"]}, "/filter/data"),
        ({"data..x": ["x"]}, "/filter/data..x"),
        ({"data.a.b.c.d.e.f.g.h.i": ["x"]}, "/filter/data.a.b.c.d.e.f.g.h.i"),
        ({"data.x": "x"}, "/filter/data.x"),
        ({"data.x": []}, "/filter/data.x"),
        ({"data.x/y": [["x"]]}, "/filter/data.x~1y/0"),
        ({"data.x": ["x", {"regex": ".*"}]}, "/filter/data.x/1"),
        ({"data.x": [{"prefix": "a", "suffix": "b"}]}, "/filter/data.x/0"),
        ({"data.x": [{"prefix": 1}]}, "/filter/data.x/0"),
        ({"data.x": [{"exists": "yes"}]}, "/filter/data.x/0"),
        ({"data.x": [{"numeric": [">", "1"]}]}, "/filter/data.x/0"),
        ({"data.x": [{"numeric": ["~", 1]}]}, "/filter/data.x/0"),
        ({"data.x": [{"numeric": [[], 1]}]}, "/filter/data.x/0"),
        ({"data.x": [{"anything-but": {"exists": True}}]}, "/filter/data.x/0"),
        ({"data.x": [{"anything-but": [{"prefix": "x"}]}]}, "/filter/data.x/0"),
    ],
)
def test_mistakes_are_named_with_their_place(filter: Any, pointer: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        payload_filters.checked(filter)
    assert [error["pointer"] for error in refusal.value.facts["errors"]] == [pointer]


@pytest.mark.django_db
def test_what_does_not_fit_makes_no_delivery(acme: Partner, sink: Sink) -> None:
    endpoint = make_endpoint(acme, sink, "payment.processed")
    Endpoint.objects.filter(pk=endpoint.pk).update(filter={"data.currency": ["EUR"]})
    publish(acme, "payment.processed", payment_id="p_1", amount="49.00", currency="USD")
    wanted = publish(acme, "payment.processed", payment_id="p_2", amount="49.00", currency="EUR")
    seal_all()
    assert [delivery.event_id for delivery in Delivery.objects.all()] == [wanted.pk]
