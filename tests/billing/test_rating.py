"""What a quantity costs."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import rating
from billing.rating import Band, Model, Tariff
from core.money import Money
from core.problems import ValidationError

STEPS = [{"up_to": 1000, "unit_amount": "0.01"}, {"up_to": 5000, "unit_amount": "0.008"}, {"unit_amount": "0.005"}]

amounts = st.decimals(min_value=0, max_value=100, places=4)
quantities = st.integers(min_value=0, max_value=10_000_000)


@st.composite
def tariffs(draw: st.DrawFn, model: Model) -> Tariff:
    bounds = sorted(draw(st.sets(st.integers(min_value=1, max_value=1_000_000), max_size=5)))
    bands = [Band(bound, draw(amounts), Decimal(0)) for bound in [*bounds, None]]
    return Tariff(model, "USD", tuple(bands))


def total(model: str, quantity: int, **price: object) -> str:
    return str(rating.total(Tariff.read({"model": model, "currency": "USD", **price}), quantity))


class TestModels:
    @pytest.mark.parametrize(("quantity", "cost"), [(0, "$0.00"), (1, "$0.01"), (250, "$2.50")])
    def test_per_unit(self, quantity, cost):
        assert total("per_unit", quantity, unit_amount="0.01") == cost

    @pytest.mark.parametrize(("quantity", "cost"), [(0, "$0.00"), (1, "$9.99"), (10**6, "$9.99")])
    def test_flat(self, quantity, cost):
        assert total("flat", quantity, flat_amount="9.99") == cost

    @pytest.mark.parametrize(("quantity", "cost"), [(1000, "$10.00"), (1001, "$10.01"), (5000, "$42.00"), (6000, "$47.00")])
    def test_graduated_prices_each_part_by_its_tier(self, quantity, cost):
        assert total("graduated", quantity, tiers=STEPS) == cost

    @pytest.mark.parametrize(("quantity", "cost"), [(1000, "$10.00"), (1001, "$8.01"), (5000, "$40.00"), (6000, "$30.00")])
    def test_volume_prices_all_by_the_tier_reached(self, quantity, cost):
        assert total("volume", quantity, tiers=STEPS) == cost

    def test_bytes_are_priced_by_the_gigabyte(self):
        assert total("per_unit", 2_500_000_000, unit_amount="0.10", unit_size=10**9) == "$0.25"

    def test_half_a_cent_goes_to_the_even_one(self):
        assert total("per_unit", 1, unit_amount="0.005") == "$0.00"
        assert total("per_unit", 3, unit_amount="0.005") == "$0.02"


class TestProperties:
    @given(tariff=tariffs(Model.GRADUATED), quantity=quantities)
    def test_graduated_lines_have_the_whole_quantity(self, tariff, quantity):
        assert sum(line.quantity for line in rating.rate(tariff, quantity)) == quantity

    @given(tariff=tariffs(Model.GRADUATED), one=quantities, other=quantities)
    def test_graduated_never_costs_less_for_more(self, tariff, one, other):
        less, more = sorted((one, other))
        assert rating.total(tariff, less) <= rating.total(tariff, more)

    @given(unit=amounts, quantity=quantities, bounds=st.sets(st.integers(min_value=1, max_value=10**6), max_size=4))
    def test_equal_tiers_make_no_difference(self, unit, quantity, bounds):
        bands = tuple(Band(bound, unit, Decimal(0)) for bound in [*sorted(bounds), None])
        whole = rating.total(Tariff.per_unit(unit, "USD"), quantity)
        assert rating.total(Tariff(Model.VOLUME, "USD", bands), quantity) == whole
        graduated = rating.rate(Tariff(Model.GRADUATED, "USD", bands), quantity)
        apart = sum((line.amount for line in graduated), Money(0, "USD"))
        assert abs(apart.minor - whole.minor) <= len(graduated), "each line is rounded once, by half a cent at most"

    @given(tariff=tariffs(Model.VOLUME), quantity=quantities)
    def test_volume_is_one_line_at_one_price(self, tariff, quantity):
        lines = rating.rate(tariff, quantity)
        assert len(lines) == (1 if quantity else 0)
        for line in lines:
            assert line.amount == Money.rounded(line.unit_amount * quantity, "USD")


class TestBadPricesAreRefused:
    @pytest.mark.parametrize(
        ("price", "pointer"),
        [
            ({"model": "stairs"}, "/model"),
            ({"model": "per_unit"}, "/unit_amount"),
            ({"model": "per_unit", "unit_amount": "-1"}, "/unit_amount"),
            ({"model": "per_unit", "unit_amount": "NaN"}, "/unit_amount"),
            ({"model": "per_unit", "unit_amount": "1e400"}, "/unit_amount"),
            ({"model": "per_unit", "unit_amount": 0.01}, "/unit_amount"),
            ({"model": "per_unit", "unit_amount": "0.01", "tiers": STEPS}, "/tiers"),
            ({"model": "flat"}, "/flat_amount"),
            ({"model": "per_unit", "unit_amount": "1", "currency": "XXY"}, "/currency"),
            ({"model": "volume"}, "/tiers"),
            ({"model": "volume", "tiers": []}, "/tiers"),
            ({"model": "volume", "tiers": ["x"]}, "/tiers/0"),
            ({"model": "volume", "tiers": [{"up_to": 5, "unit_amount": "1"}]}, "/tiers/0/up_to"),
            ({"model": "volume", "tiers": [{"unit_amount": "1"}, {"unit_amount": "1"}]}, "/tiers/0/up_to"),
            (
                {"model": "volume", "tiers": [{"up_to": 5}, {"up_to": 5}, {"unit_amount": "1"}]},
                "/tiers/1/up_to",
            ),
            ({"model": "graduated", "tiers": [{"unit_amount": "1", "price": 3}]}, "/tiers/0/price"),
        ],
    )
    def test_and_the_error_points_there(self, price, pointer):
        with pytest.raises(ValidationError) as caught:
            Tariff.read({"currency": "USD", **price})
        assert pointer in [error["pointer"] for error in caught.value.facts["errors"]]


@pytest.mark.django_db
class TestSimulate:
    PATH = "/api/operator/v1/prices/simulate"

    def test_total_and_lines(self, api):
        price = {"model": "graduated", "currency": "USD", "tiers": STEPS}
        answer = api("POST", self.PATH, {"price": price, "quantity": 1500})
        assert answer.status_code == 200
        assert answer.json()["total"] == {"amount": "14.00", "currency": "USD"}
        assert [line["amount"]["amount"] for line in answer.json()["lines"]] == ["10.00", "4.00"]

    def test_a_bad_price_is_pointed_to(self, api):
        answer = api("POST", self.PATH, {"price": {"model": "volume", "currency": "USD"}, "quantity": 1})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/price/tiers")
