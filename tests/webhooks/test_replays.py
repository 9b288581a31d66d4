"""Sending again: counted, queued in batches, watched, stopped, and nobody else's."""

from datetime import timedelta
from typing import Any

import pytest

from core import clock
from core.actors import SYSTEM
from core.models import Event
from core.problems import ValidationError
from core.states import StaleState
from local.sink import Sink
from partners.models import Partner
from tests.webhooks.steps import deliver, publish
from tests.webhooks.test_webhook_pages import sign_in
from webhooks import endpoints, replays
from webhooks.models import Delivery, Endpoint, Replay
from webhooks.replays import ReplayRunning, Selection, TooManyReplays

pytestmark = pytest.mark.django_db
Status = Delivery.Status


@pytest.fixture
def failed(acme: Partner, endpoint: Endpoint) -> list[Delivery]:
    """Five that were given up: three of courses, two of users."""
    for name in ("course.completed",) * 3 + ("user.created",) * 2:
        publish(acme, name)
    deliver()
    Delivery.objects.update(status=Status.FAILED, succeeded_at=None)
    return list(Delivery.objects.order_by("id"))


def start(endpoint: Endpoint, **selection: Any) -> Replay:
    replay = replays.start(endpoint=endpoint, selection=Selection(**selection), by=SYSTEM)
    assert replay is not None
    return replay


class TestSelection:
    @pytest.mark.parametrize(
        ("selection", "count"),
        [
            ({}, 5),
            ({"only_failed": True}, 5),
            ({"event_types": ["course.*"]}, 3),
            ({"event_types": ["user.created", "course.completed"]}, 5),
            ({"event_types": ["payment.*"]}, 0),
        ],
    )
    def test_by_type(self, endpoint: Endpoint, failed: list[Delivery], selection: dict[str, Any], count: int) -> None:
        assert Selection(**selection).count(endpoint) == count

    def test_by_time_half_open(self, endpoint: Endpoint, failed: list[Delivery]) -> None:
        begin = clock.now() - timedelta(hours=1)
        assert Selection(since=begin).count(endpoint) == 5
        assert Selection(since=clock.now() + timedelta(seconds=1)).count(endpoint) == 0
        assert Selection(until=begin).count(endpoint) == 0

    def test_failed_are_also_those_that_wait_to_be_tried_again(self, endpoint: Endpoint, failed: list[Delivery]) -> None:
        Delivery.objects.filter(pk=failed[0].pk).update(status=Status.SUCCEEDED, succeeded_at=clock.now())
        Delivery.objects.filter(pk=failed[1].pk).update(status=Status.PENDING, step=1)
        Delivery.objects.filter(pk=failed[2].pk).update(status=Status.PENDING, step=0)
        assert Selection(only_failed=True).count(endpoint) == 3
        assert Selection().count(endpoint) == 4

    @pytest.mark.parametrize("selection", [{"event_types": ["Bad"]}, {"since": clock.now(), "until": clock.now() - timedelta(1)}])
    def test_what_is_none_is_refused(self, endpoint: Endpoint, selection: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Selection(**selection).count(endpoint)

    def test_too_many_are_refused(self, endpoint: Endpoint, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replays, "LARGEST", 4)
        with pytest.raises(ValidationError):
            Selection().count(endpoint)
        assert Selection(event_types=["course.*"]).count(endpoint) == 3


class TestWork:
    def test_it_goes_out_and_comes_to_its_end(self, endpoint: Endpoint, failed: list[Delivery], sink: Sink) -> None:
        replay = start(endpoint, only_failed=True)
        assert (replay.matched, replay.queued, replay.status) == (5, 5, "sending")
        assert replays.progress(replay).percent == 0
        assert replays.step() == 0
        deliver()
        found = replays.progress(replay)
        assert (found.percent, found.succeeded, found.waiting) == (100, 5, 0)
        replays.step()
        replay.refresh_from_db()
        assert replay.status == "finished"
        assert replay.finished_at is not None
        told = Event.objects.filter(type__startswith="webhook.replay").values_list("type", flat=True)
        assert sorted(told) == ["webhook.replay_finished", "webhook.replay_started"]

    def test_batches_go_on_where_a_worker_died(
        self, endpoint: Endpoint, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each batch is a transaction: what a dead worker had begun is as if it had not."""
        monkeypatch.setattr(replays, "BATCH", 2)
        replay = start(endpoint)
        assert (replay.queued, replay.status) == (2, "queueing")
        with monkeypatch.context() as dying:
            dying.setattr("webhooks.replays.wake.on_commit", _die)
            with pytest.raises(KeyboardInterrupt):
                replays.step()
        assert Delivery.objects.filter(replay=replay).count() == 2
        assert [replays.step() for _batch in range(3)] == [1, 1, 0]
        replay.refresh_from_db()
        assert (replay.queued, replay.status) == (5, "sending")
        assert Delivery.objects.filter(replay=replay, status=Status.PENDING).count() == 5

    def test_what_comes_after_it_was_asked_for_is_not_meant(
        self, acme: Partner, endpoint: Endpoint, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replays, "BATCH", 2)
        replay = start(endpoint)
        publish(acme)
        deliver()
        while replays.step():
            pass
        replay.refresh_from_db()
        assert replay.queued == 5

    def test_stopping_takes_back_what_was_not_sent(self, endpoint: Endpoint, failed: list[Delivery]) -> None:
        arrived = failed[0]
        Delivery.objects.filter(pk=arrived.pk).update(status=Status.SUCCEEDED, succeeded_at=clock.now())
        replay = start(endpoint)
        replays.cancel(replay=replay, by=SYSTEM)
        left = dict(Delivery.objects.values_list("pk", "status"))
        assert left.pop(arrived.pk) == "succeeded"
        assert set(left.values()) == {"failed"}
        with pytest.raises(StaleState):
            replays.cancel(replay=replay, by=SYSTEM)
        assert deliver() == []

    def test_paused_endpoint_holds_the_rest(
        self, endpoint: Endpoint, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(replays, "BATCH", 2)
        start(endpoint)
        endpoints.pause(endpoint=endpoint, by=SYSTEM)
        while replays.step():
            pass
        assert set(Delivery.objects.values_list("status", flat=True)) == {"held"}

    def test_removed_endpoint_ends_it(self, endpoint: Endpoint, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replays, "BATCH", 2)
        replay = start(endpoint)
        endpoints.remove(endpoint=endpoint, by=SYSTEM)
        replays.step()
        replay.refresh_from_db()
        assert replay.status == "cancelled"
        assert not Delivery.objects.filter(status=Status.PENDING).exists()

    def test_limits(self, endpoint: Endpoint, failed: list[Delivery], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(replays, "BATCH", 2)
        start(endpoint)
        with pytest.raises(ReplayRunning):
            start(endpoint)
        monkeypatch.setattr(replays, "MOST_AN_HOUR", 1)
        with pytest.raises(TooManyReplays):
            start(endpoint)


class TestPages:
    def test_count_confirm_watch(self, acme: Partner, endpoint: Endpoint, failed: list[Delivery]) -> None:
        member, root = sign_in(acme), f"/p/acme/webhooks/{endpoint.public_id}/replay/"
        assert member.get(root).status_code == 200
        counted = member.get(root, {"only_failed": "yes", "event_types": "course.*"})
        assert b"3 deliveries fit" in counted.content
        assert not Replay.objects.exists()
        assert b"Nothing fits" in member.get(root, {"only_failed": "no", "event_types": "payment.*"}).content
        sent = member.post(root, {"only_failed": "yes", "event_types": "course.*"})
        replay = Replay.objects.get()
        assert sent.headers["Location"] == f"/p/acme/webhooks/replays/{replay.public_id}/"
        page = member.get(sent.headers["Location"]).content
        assert b"0 of 3 sent" in page
        assert b"data-follows" in page
        deliver()
        replays.step()
        page = member.get(sent.headers["Location"]).content
        assert b"100%" in page
        assert b"data-follows" not in page
        assert replay.public_id.encode() in member.get(root).content

    @pytest.mark.parametrize(
        "query", [{"event_types": "Bad"}, {"since": "yesterday"}, {"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}]
    )
    def test_mistakes_are_said(self, acme: Partner, endpoint: Endpoint, query: dict[str, str]) -> None:
        page = sign_in(acme).get(f"/p/acme/webhooks/{endpoint.public_id}/replay/", query)
        assert page.status_code == 422
        assert b"field-error" in page.content

    def test_stop(self, acme: Partner, endpoint: Endpoint, failed: list[Delivery]) -> None:
        replay = start(endpoint)
        member = sign_in(acme)
        member.post(f"/p/acme/webhooks/replays/{replay.public_id}/cancel/")
        assert b"It was stopped" in member.get(f"/p/acme/webhooks/replays/{replay.public_id}/").content

    def test_viewer_may_watch_only(self, acme: Partner, endpoint: Endpoint, failed: list[Delivery]) -> None:
        replay, viewer = start(endpoint), sign_in(acme, "viewer")
        page = viewer.get(f"/p/acme/webhooks/replays/{replay.public_id}/")
        assert page.status_code == 200
        assert b"/cancel/" not in page.content
        assert viewer.post(f"/p/acme/webhooks/replays/{replay.public_id}/cancel/").status_code == 403
        assert viewer.get(f"/p/acme/webhooks/{endpoint.public_id}/replay/").status_code == 403

    def test_stranger_finds_nothing(self, globex: Partner, endpoint: Endpoint, failed: list[Delivery]) -> None:
        replay, stranger = start(endpoint), sign_in(globex)
        for slug in ("acme", "globex"):
            for path in (f"replays/{replay.public_id}", f"replays/{replay.public_id}/cancel", f"{endpoint.public_id}/replay"):
                assert stranger.get(f"/p/{slug}/webhooks/{path}/").status_code == 404
            for path in (f"replays/{replay.public_id}/cancel", f"{endpoint.public_id}/replay"):
                assert stranger.post(f"/p/{slug}/webhooks/{path}/").status_code == 404
        replay.refresh_from_db()
        assert replay.status == "sending"


def _die(name: str) -> None:
    raise KeyboardInterrupt
