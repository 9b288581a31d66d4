"""What the log of another proxy tells of the calls that it carried: each completes its call once, whatever else stands there."""

import json
import uuid
from datetime import timedelta
from io import StringIO
from itertools import count

import pytest
from django.core.management import call_command

from core import clock, ids
from tests.usage.conftest import EPOCH_ID, call
from usage import access_log, ingest, questions, rollups
from usage.models import Call, HourRollup, MinuteRollup
from usage.periods import Period

pytestmark = pytest.mark.django_db
ACME = uuid.uuid4()


def admitted(**facts):
    """A call as the gateway records it for another proxy."""
    told = call(
        partner=ACME, **{"status": 204, "latency_us": 300, "bytes_in": 0, "bytes_out": 0, "operation": "authorize"} | facts
    )
    ingest.write([(EPOCH_ID, told)])
    return ids.encode("call", uuid.UUID(bytes=told.call))


def line(request_id: str, status: int = 200, **facts) -> bytes:
    return json.dumps(
        {"request_id": request_id, "status": status, "seconds": 0.05, "bytes_in": "12", "bytes_out": 900} | facts
    ).encode()


def take(*lines: bytes) -> access_log.Outcome:
    ingestion = access_log.Ingestion()
    ingestion.take(lines)
    return ingestion.outcome


def hours() -> list[tuple]:
    rows = HourRollup.objects.order_by("status").values_list("status", "requests", "metered", "bytes_in", "bytes_out")
    return [tuple(row) for row in rows]


def test_a_line_completes_its_call_and_what_it_adds_to():
    one = admitted()
    admitted()
    assert take(line(one, 404)).completed == 1
    row = Call.objects.public(one).get()
    assert (row.status, row.latency_us, row.bytes_in, row.bytes_out, row.metered) == (404, 50_000, 12, 900, True)
    assert row.carried_at is not None
    assert hours() == [(204, 1, 1, 0, 0), (404, 1, 1, 12, 900)]
    summary = questions.summary(ACME, "live", Period.last(timedelta(hours=2)))
    assert (summary.requests, summary.errors, summary.metered, summary.bytes_out) == (2, 1, 2, 900)


def test_rollups_are_what_the_calls_add_up_to():
    for number in range(12):
        take(line(admitted(), 200 + number % 3, seconds=0.001 * number))
    told = {span: list(span.objects.order_by("status").values()) for span in (HourRollup, MinuteRollup)}
    rollups.rebuild(Period.last(timedelta(days=1)))
    for span, rows in told.items():
        again = list(span.objects.order_by("status").values())
        assert [row | {"id": 0} for row in again] == [row | {"id": 0} for row in rows]


def test_the_same_line_again_changes_nothing():
    one = admitted()
    take(line(one))
    before = hours()
    told = take(line(one), line(one, 500))
    assert (told.completed, told.skipped) == (0, 1)
    assert hours() == before == [(200, 1, 1, 12, 900)]


def test_what_the_gateway_knows_itself_stays():
    refused = admitted(status=429, code="rate_limited", metered=False)
    carried = admitted(status=200, bytes_out=5_000)
    assert take(line(refused, 200), line(carried, 500)).completed == 0
    assert {row.status for row in Call.objects.all()} == {429, 200}


def test_bad_lines_are_counted_and_hold_up_nobody():
    one = admitted()
    bad = [
        b"not json",
        b"[]",
        b'{"request_id": "call_0"}',
        line(one, 99),
        line(one, seconds=-1),
        line(one, bytes_out=-5),
        b"\xff" * 9,
    ]
    bad += [line("key_" + one[5:]), line(one, bytes_in="many"), line(one, seconds=1e300), line(one)[:-4]]
    told = take(*bad, line("", 200), line("-", 200), line(one))
    assert (told.unreadable, told.skipped, told.completed) == (len(bad), 2, 1)


def test_old_calls_stay_as_they_are():
    one = admitted(at=clock.now() - access_log.OLDEST - timedelta(minutes=1))
    assert take(line(one)).skipped == 1
    assert Call.objects.public(one).get().status == 204


def test_a_line_that_comes_before_its_call_waits_for_it():
    told = call(partner=ACME, status=204, bytes_in=0, bytes_out=0)
    ingestion = access_log.Ingestion()
    ingestion.take([line(ids.encode("call", uuid.UUID(bytes=told.call)))])
    assert ingestion.outcome.completed == 0
    ingest.write([(EPOCH_ID, told)])
    ingestion.take([])
    assert ingestion.outcome.completed == 1
    assert not ingestion.waiting


def test_a_call_that_never_comes_is_given_up(monkeypatch):
    monkeypatch.setattr(access_log, "PATIENCE", -1.0)
    assert take(line(ids.encode("call", ids.new()))).unknown == 1


def test_the_command_reads_a_file(tmp_path):
    log = tmp_path / "portico.log"
    log.write_bytes(line(admitted()) + b"\n\nnonsense\n" + line(admitted()))
    told = StringIO()
    call_command("ingest_access_log", str(log), stdout=told)
    assert told.getvalue().startswith("2 calls completed, 0 lines needed nothing, 0 of unknown calls, 1 unreadable.")


def test_a_followed_log_is_read_through_its_rotations(tmp_path):
    """Renamed and made anew, copied and emptied; half a line waits for its rest."""
    log = tmp_path / "portico.log"
    log.write_bytes(b"one\ntw")
    turns = count()
    read: list[bytes] = []
    steps = {
        2: lambda: log.open("ab").write(b"o\n"),
        4: lambda: (log.open("ab").write(b"three\n"), log.rename(tmp_path / "portico.log.1"), log.write_bytes(b"four\n")),
        9: lambda: (log.write_bytes(b""), log.open("ab").write(b"5\n")),
    }

    def goes_on() -> bool:
        turn = next(turns)
        steps.get(turn, lambda: None)()
        return turn < 14

    for lines in access_log.followed(log, goes_on=goes_on, pause=0):
        read += lines
    assert read == [b"one", b"two", b"three", b"four", b"5"]
