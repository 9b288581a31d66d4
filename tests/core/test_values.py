"""Ids, money, states, lists: the small things that everything relies on."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, ids, listing
from core.models import Change, User
from core.money import Money, MoneyError, places
from core.problems import ValidationError
from core.states import StaleState, swap


class TestIds:
    def test_vectors_of_typeid(self) -> None:
        """From the TypeID specification's valid.yml."""
        assert ids.encode("prefix", UUID("01890a5d-ac96-774b-bcce-b302099a8057")) == "prefix_01h455vb4pex5vsknk084sn02q"
        assert ids.decode("a", "a_7zzzzzzzzzzzzzzzzzzzzzzzzz").int == 2**128 - 1
        assert ids.encode("a", UUID(int=0)) == "a_" + "0" * 26

    @given(st.uuids())
    def test_there_and_back(self, value: UUID) -> None:
        assert ids.decode("key", ids.encode("key", value)) == value

    @pytest.mark.parametrize(
        "text", ["", "key_", "key_8zzzzzzzzzzzzzzzzzzzzzzzzz", "ptn_01h455vb4pex5vsknk084sn02q", "01h455vb4pex5vsknk084sn02q"]
    )
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(ids.MalformedId):
            ids.decode("key", text)

    @pytest.mark.parametrize("wrong", ["01h455vb4pex5vsknk084sn02", "01h455vb4pex5vsknk084sn02u", "01H455VB4PEX5VSKNK084SN02Q"])
    def test_wrong_letters_and_lengths(self, wrong: str) -> None:
        with pytest.raises(ids.MalformedId):
            ids.decode("key", f"key_{wrong}")

    def test_sorted_by_time(self) -> None:
        made = [ids.new() for _ in range(1_000)]
        assert [str(value) for value in made] == sorted(str(value) for value in made)
        assert abs(ids.moment(made[0]) - datetime.now(UTC)) < timedelta(seconds=5)

    def test_bound_of_an_instant(self) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        assert ids.moment(ids.earliest(at)) == at
        assert ids.earliest(at) < ids.earliest(at + timedelta(milliseconds=1)) < ids.new()


class TestMoney:
    def test_decimals_by_currency(self) -> None:
        assert (Money.of("12.34", "USD").minor, Money.of("12", "JPY").minor, Money.of("1.234", "KWD").minor) == (1234, 12, 1234)
        assert Money(5, "USD").as_json() == {"amount": "0.05", "currency": "USD"}
        assert places("USD") == 2

    @pytest.mark.parametrize(
        ("amount", "currency"), [("1.005", "USD"), ("1.5", "JPY"), ("x", "USD"), ("NaN", "USD"), ("1", "XXQ")]
    )
    def test_what_is_none(self, amount: str, currency: str) -> None:
        with pytest.raises(MoneyError):
            Money.of(amount, currency)

    def test_half_goes_to_even(self) -> None:
        rounded = [Money.rounded(Decimal(text), "USD").minor for text in ("0.005", "0.015", "0.025", "-0.005")]
        assert rounded == [0, 2, 2, 0]

    def test_currencies_never_mix(self) -> None:
        with pytest.raises(MoneyError):
            Money(1, "USD") + Money(1, "EUR")

    @given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(sum))
    def test_no_cent_is_lost_in_a_split(self, minor: int, weights: list[int]) -> None:
        shares = Money(minor, "USD").allocate(weights)
        assert sum(share.minor for share in shares) == minor
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share.minor * sum(weights) - minor * weight) < sum(weights)


@pytest.mark.django_db
class TestStates:
    def test_swap_happens_once(self) -> None:
        user = User.objects.create_user("a@example.com")
        again = User.objects.get(pk=user.pk)
        swap(user, where={"name": ""}, name="Ann")
        assert user.name == "Ann"
        with pytest.raises(StaleState):
            swap(again, where={"name": ""}, name="Bob")
        assert (again.name, User.objects.get(pk=user.pk).name) == ("", "Ann")


@pytest.mark.django_db
class TestListing:
    @pytest.fixture
    def rows(self) -> list[Change]:
        now = clock.now()
        times = [now + timedelta(seconds=number % 3) for number in range(10)]
        return [Change.objects.create(subject=ids.new(), changed_at=at) for at in times]

    @pytest.mark.parametrize("ordering", ["id", "-id", "changed_at", "-changed_at"])
    def test_every_row_once_though_some_tie(self, rows: list[Change], ordering: str) -> None:
        seen, cursor = [], ""
        while True:
            page = listing.page(Change.objects.all(), ordering=ordering, cursor=cursor, limit=3)
            seen += page.rows
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        name, sign = ordering.removeprefix("-"), -1 if ordering.startswith("-") else 1
        by_value = sorted(rows, key=lambda row: (getattr(row, name), row.pk))
        assert seen == by_value[::sign]

    def test_new_rows_move_nothing(self, rows: list[Change]) -> None:
        first = listing.page(Change.objects.all(), ordering="-id", limit=4)
        Change.objects.create(subject=ids.new())
        second = listing.page(Change.objects.all(), ordering="-id", cursor=first.next_cursor or "", limit=4)
        assert [row.pk for row in first.rows + second.rows] == [row.pk for row in rows[::-1]][:8]

    @pytest.mark.parametrize("cursor", ["x", "e30", "W10", "bnVsbA", "WyItaWQiLCB7fV0", "é", "=" * 9])
    def test_what_is_no_cursor(self, rows: list[Change], cursor: str) -> None:
        with pytest.raises(ValidationError):
            listing.page(Change.objects.all(), cursor=cursor)

    @pytest.mark.parametrize("value", ["Infinity", "1e999", "true", '"\\ud800"', '"\\u0000"', "9" * 30, "[]", "null"])
    @pytest.mark.parametrize("ordering", ["id", "-changed_at", "subject"])
    def test_cursor_of_values_that_no_row_has(self, rows: list[Change], ordering: str, value: str) -> None:
        values = ", ".join([value] if ordering == "id" else [value, "1"])
        cursor = base64.urlsafe_b64encode(f'["{ordering}", {values}]'.encode()).decode()
        with pytest.raises(ValidationError):
            listing.page(Change.objects.all(), ordering=ordering, cursor=cursor)

    @pytest.mark.parametrize("text", ["2026-01-01T00:00:00+23:59", "0001-01-01T00:00:00+15:00", "soon", "2026-02-30"])
    def test_cursor_of_an_instant_that_is_none(self, rows: list[Change], text: str) -> None:
        cursor = base64.urlsafe_b64encode(f'["changed_at", "{text}", "x"]'.encode()).decode()
        with pytest.raises(ValidationError):
            listing.page(Change.objects.all(), ordering="changed_at", cursor=cursor)

    def test_cursor_of_a_text_that_is_none(self) -> None:
        cursor = base64.urlsafe_b64encode(f'["email", "\\ud800", "{ids.new()}"]'.encode()).decode()
        with pytest.raises(ValidationError):
            listing.page(User.objects.all(), ordering="email", cursor=cursor)

    def test_cursor_of_another_ordering(self, rows: list[Change]) -> None:
        page = listing.page(Change.objects.all(), ordering="changed_at", limit=2)
        with pytest.raises(ValidationError):
            listing.page(Change.objects.all(), ordering="-id", cursor=page.next_cursor or "")
