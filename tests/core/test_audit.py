"""Every way to tamper with the event log shows, and names the row."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from core import audit, events, ids, relay
from core.event_types import OPERATOR_TOKEN_ISSUED
from core.models import Event, Head, Payload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _export(settings, tmp_path: Path) -> None:
    settings.AUDIT_EXPORT = tmp_path / "heads.jsonl"


@pytest.fixture
def owner() -> UUID:
    return grow(ids.new(), 10)


def grow(owner: UUID, count: int) -> UUID:
    with transaction.atomic():
        for number in range(count):
            events.emit(type=OPERATOR_TOKEN_ISSUED, partner=owner, data={"n": number, "price": 1.5})
    while relay.seal():
        pass
    return owner


def tamper(statement: str, *parameters: object) -> None:
    """As somebody who owns the database could: with the trigger off."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE core_event DISABLE TRIGGER core_event_append_only")
        cursor.execute(statement, parameters)
        cursor.execute("ALTER TABLE core_event ENABLE TRIGGER core_event_append_only")


def broken(owner: UUID) -> audit.Break:
    report = audit.verify()
    assert not report.intact
    assert [found.owner for found in report.breaks] == [owner]
    assert not audit.verify(owner).intact
    with pytest.raises(CommandError, match="1 of"):
        call_command("verify_audit")
    return report.breaks[0]


def test_whole_chain(owner: UUID) -> None:
    grow(ids.new(), 3)
    report = audit.verify()
    assert (report.intact, report.chains, report.events) == (True, 2, 13)
    call_command("verify_audit", partner=ids.encode("ptn", owner))


def test_longer_than_a_page(monkeypatch: pytest.MonkeyPatch, owner: UUID) -> None:
    monkeypatch.setattr(audit, "PAGE", 3)
    assert audit.verify().events == 10


@pytest.mark.parametrize("column", ["type", "subject", "environment", "actor_label", "actor_kind"])
def test_altered_fact(owner: UUID, column: str) -> None:
    tamper(f"UPDATE core_event SET {column} = 'test' WHERE partner_id = %s AND number = 4", owner)
    found = broken(owner)
    assert found.number == 4
    assert found.event == Event.objects.get(partner_id=owner, number=4).public_id
    assert "altered" in found.reason


def test_altered_time(owner: UUID) -> None:
    tamper("UPDATE core_event SET created_at = created_at - interval '1 microsecond' WHERE partner_id = %s AND number = 4", owner)
    assert broken(owner).number == 4


def test_altered_payload(owner: UUID) -> None:
    event = Event.objects.get(partner_id=owner, number=5)
    Payload.objects.filter(pk=event.pk).update(data={"n": 99, "price": 1.5})
    found = broken(owner)
    assert (found.number, found.event) == (5, event.public_id)
    assert "payload" in found.reason


def test_altered_payload_with_its_digest(owner: UUID) -> None:
    event = Event.objects.get(partner_id=owner, number=5)
    Payload.objects.filter(pk=event.pk).update(data={"n": 99})
    tamper("UPDATE core_event SET payload_digest = %s WHERE id = %s", events.digest({"n": 99}), event.pk)
    assert broken(owner).number == 5


def test_erased_payload_leaves_the_chain_whole(owner: UUID) -> None:
    Payload.objects.filter(pk=Event.objects.get(partner_id=owner, number=5).pk).delete()
    assert audit.verify().intact


def test_deleted_row(owner: UUID) -> None:
    tamper("DELETE FROM core_event WHERE partner_id = %s AND number = 6", owner)
    found = broken(owner)
    assert found.number == 6
    assert "missing" in found.reason


def test_deleted_row_with_the_rest_renumbered(owner: UUID) -> None:
    tamper("DELETE FROM core_event WHERE partner_id = %s AND number = 6", owner)
    tamper("UPDATE core_event SET number = number - 100 WHERE partner_id = %s AND number > 6", owner)
    tamper("UPDATE core_event SET number = number + 99 WHERE partner_id = %s AND number < 0", owner)
    assert broken(owner).number == 6


def test_swapped_rows(owner: UUID) -> None:
    tamper("UPDATE core_event SET number = -1 WHERE partner_id = %s AND number = 2", owner)
    tamper("UPDATE core_event SET number = 2 WHERE partner_id = %s AND number = 3", owner)
    tamper("UPDATE core_event SET number = 3 WHERE partner_id = %s AND number = -1", owner)
    assert broken(owner).number == 2


def test_row_put_in_beyond_the_head(owner: UUID) -> None:
    tamper(
        "INSERT INTO core_event (id, created_at, partner_id, environment, type, subject, actor_kind, actor_label, payload_digest,"
        " number, previous_hash, hash) SELECT gen_random_uuid(), created_at, partner_id, environment, type, subject, actor_kind,"
        " actor_label, payload_digest, 11, previous_hash, hash FROM core_event WHERE partner_id = %s AND number = 10",
        owner,
    )
    assert broken(owner).number == 11


def test_event_moved_to_another_partner(owner: UUID) -> None:
    tamper("UPDATE core_event SET partner_id = %s WHERE partner_id = %s AND number = 10", ids.new(), owner)
    report = audit.verify()
    assert {found.owner == owner for found in report.breaks} == {True, False}


def test_cut_tail(owner: UUID) -> None:
    tamper("DELETE FROM core_event WHERE partner_id = %s AND number > 7", owner)
    assert broken(owner).number == 8


def test_cut_tail_with_the_head_put_back(owner: UUID) -> None:
    audit.export_heads()
    last = Event.objects.get(partner_id=owner, number=7)
    tamper("DELETE FROM core_event WHERE partner_id = %s AND number > 7", owner)
    Head.objects.filter(owner=owner).update(number=7, hash=last.hash)
    assert "exported" in broken(owner).reason


def test_rewritten_chain(owner: UUID) -> None:
    """Somebody who can compute hashes rewrites everything, head included: only the export tells."""
    audit.export_heads()
    previous = b""
    for event in Event.objects.filter(partner_id=owner).order_by("number"):
        event.actor_label = "somebody else"
        hashed = relay.link(event, number=event.number, previous=previous)
        change = "UPDATE core_event SET actor_label = 'somebody else', previous_hash = %s, hash = %s WHERE id = %s"
        tamper(change, previous, hashed, event.pk)
        previous = hashed
    Head.objects.filter(owner=owner).update(hash=previous)
    found = broken(owner)
    assert found.number == 10
    assert "rewritten" in found.reason


def test_lost_head_and_lost_chain(owner: UUID) -> None:
    audit.export_heads()
    Head.objects.filter(owner=owner).delete()
    assert "head is gone" in broken(owner).reason
    tamper("DELETE FROM core_event WHERE partner_id = %s", owner)
    assert "whole chain is gone" in broken(owner).reason


def test_export_holds_only_what_moved_and_believes_only_itself(owner: UUID) -> None:
    file = audit.export_heads()
    audit.export_heads()
    lines = file.read_text().splitlines()
    assert len(lines) == 1
    forged = {**json.loads(lines[0]), "number": 99}
    file.write_text(lines[0] + "\n" + json.dumps(forged) + "\nrubbish\n[]\n")
    assert audit.verify().intact
    grow(owner, 1)
    audit.export_heads()
    assert sorted(audit.exported_heads()[owner]) == [10, 11]


def test_export_goes_on_after_one_that_was_cut_off(owner: UUID) -> None:
    file = audit.export_heads()
    file.write_text(file.read_text()[:-20])
    audit.export_heads()
    assert sorted(audit.exported_heads()[owner]) == [10]


def test_new_events_meanwhile_are_no_break(owner: UUID) -> None:
    with transaction.atomic():
        events.emit(type=OPERATOR_TOKEN_ISSUED, partner=owner)
    assert audit.verify().intact


class TestEveryRow:
    """Whichever past row is touched, and however: the check names it, and so does the command."""

    ROWS = range(1, 11)

    def named(self, owner: UUID, number: int, event: Event, capsys: pytest.CaptureFixture[str]) -> None:
        found = broken(owner)
        assert (found.number, found.event) == (number, event.public_id)
        assert f"number {number} {event.public_id}" in capsys.readouterr().err

    @pytest.mark.parametrize("number", ROWS)
    def test_altered(self, owner: UUID, number: int, capsys: pytest.CaptureFixture[str]) -> None:
        event = Event.objects.get(partner_id=owner, number=number)
        tamper("UPDATE core_event SET actor_label = 'nobody' WHERE id = %s", event.pk)
        self.named(owner, number, event, capsys)

    @pytest.mark.parametrize("number", ROWS)
    def test_deleted(self, owner: UUID, number: int, capsys: pytest.CaptureFixture[str]) -> None:
        tamper("DELETE FROM core_event WHERE partner_id = %s AND number = %s", owner, number)
        assert broken(owner).number == number
        assert f"number {number} " in capsys.readouterr().err

    @pytest.mark.parametrize("number", ROWS[:-1])
    def test_put_in_another_order(self, owner: UUID, number: int, capsys: pytest.CaptureFixture[str]) -> None:
        later = Event.objects.get(partner_id=owner, number=number + 1)
        for old, new in ((number, -1), (number + 1, number), (-1, number + 1)):
            tamper("UPDATE core_event SET number = %s WHERE partner_id = %s AND number = %s", new, owner, old)
        self.named(owner, number, later, capsys)

    @pytest.mark.parametrize("kept", ROWS[:-1])
    def test_newest_cut_off_with_the_head_put_back(self, owner: UUID, kept: int) -> None:
        audit.export_heads()
        last = Event.objects.get(partner_id=owner, number=kept)
        tamper("DELETE FROM core_event WHERE partner_id = %s AND number > %s", owner, kept)
        Head.objects.filter(owner=owner).update(number=kept, hash=last.hash)
        found = broken(owner)
        assert found.number == kept + 1
        assert "exported head is at 10" in found.reason

    @pytest.mark.parametrize(
        "change",
        [
            "id = gen_random_uuid()",
            "address = '198.51.100.1'",
            "actor_id = gen_random_uuid()",
            "request_id = gen_random_uuid()",
            "payload_digest = sha256('x')",
            "previous_hash = sha256('x')",
            "hash = sha256('x')",
        ],
    )
    def test_any_column(self, owner: UUID, change: str) -> None:
        tamper(f"UPDATE core_event SET {change} WHERE partner_id = %s AND number = 4", owner)
        assert broken(owner).number == 4
