"""Facts are written inside their transaction, with a payload whose digest survives the database."""

import json
from decimal import Decimal

import pytest
from django.db import ProgrammingError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from core import events
from core.actors import Actor
from core.event_types import OPERATOR_TOKEN_ISSUED
from core.events import EventType, UnknownEventType, UnstorablePayload, canonical, digest, normal
from core.models import Event, Payload


def emit(data=None, **options) -> Event:
    with transaction.atomic():
        return events.emit(type=OPERATOR_TOKEN_ISSUED, data=data, **options)


@pytest.mark.django_db
class TestEmit:
    def test_doer_of_a_very_long_name_fits(self) -> None:
        assert emit(actor=Actor("operator", label="x" * 300)).actor_label == "x" * 200

    def test_unknown_type_is_refused(self) -> None:
        with pytest.raises(UnknownEventType), transaction.atomic():
            events.emit(type=EventType("no.such", ""))

    @pytest.mark.django_db(transaction=True)
    def test_outside_a_transaction_is_refused(self) -> None:
        with pytest.raises(RuntimeError):
            events.emit(type=OPERATOR_TOKEN_ISSUED)

    def test_event_goes_with_its_transaction(self) -> None:
        with transaction.atomic():
            events.emit(type=OPERATOR_TOKEN_ISSUED)
            transaction.set_rollback(True)
        assert not Event.objects.exists()
        assert not Payload.objects.exists()

    @pytest.mark.parametrize(
        "data",
        [
            {"a": 1e22}, {"a": -0.0}, {"a": 1.0}, {"a": 0.1}, {"a": 1e-7}, {"a": 5e-324}, {"a": 1.7976931348623157e308},
            {"a": 123456789.123456789}, {"a": 10**30}, {"a": "ü\u2028🎉"},
            {"b": 1, "a": [1, {"z": None, "y": True}]}, {"a": (1, 2)}, {},
        ],
    )  # fmt: skip
    def test_digest_survives_jsonb(self, data: dict) -> None:
        event = emit(data)
        assert digest(Payload.objects.get(pk=event.pk).data) == bytes(event.payload_digest)

    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), "a\x00b", "\ud800", Decimal("1.5"), {1: "a"}, object(), {"a\x00": 1}, [b"x"]]
    )
    def test_what_jsonb_cannot_hold_is_refused(self, value: object) -> None:
        with pytest.raises(UnstorablePayload):
            emit({"a": value})

    def test_log_cannot_be_changed(self) -> None:
        event = emit()
        for statement in ("DELETE FROM core_event WHERE id = %s", "UPDATE core_event SET type = 'x' WHERE id = %s"):
            with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement, [event.pk])


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**40), 10**40)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(st.none() | st.booleans() | numbers | texts, lambda inner: st.lists(inner) | st.dictionaries(texts, inner))


@given(values)
def test_normal_form_is_a_fixed_point(value: object) -> None:
    once = normal(value)
    assert canonical(normal(json.loads(json.dumps(once)))) == canonical(once)
