"""Idempotency-Key: the answer is stored with the effect, once."""

import threading

import pytest
from django.db import connection, transaction

from core import clock, idempotency
from core.models import StoredAnswer, User
from core.problems import IdempotencyInFlight

pytestmark = [pytest.mark.urls("tests.core.api_views")]

NOTES = "/api/partner/v1/notes"
SAME = {"partner": "018f0000000070008000000000000001"}


@pytest.mark.django_db
class TestReplay:
    """The same key and body get the same answer, and nothing happens twice."""

    def test_same_request_gets_the_stored_answer(self, call):
        first = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        second = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        assert (first.status_code, second.status_code) == (201, 201)
        assert second.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        assert second.json()["id"] == first.json()["id"]
        assert User.objects.count() == 1

    def test_secret_is_in_the_first_answer_only_and_never_stored(self, call):
        first = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        second = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        assert first.json()["secret"] == "s3cret"
        assert "secret" not in second.json()
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM core_storedanswer")
            assert first.json()["id"].encode() not in bytes(cursor.fetchone()[0]), "stored answers are encrypted"

    def test_another_body_is_a_mismatch(self, call):
        call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        refused = call("POST", NOTES, {"text": "two"}, identity=SAME, **{"Idempotency-Key": "k1"})
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")

    def test_keys_of_partners_and_environments_are_apart(self, call):
        call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        assert call("POST", NOTES, {"text": "two"}, **{"Idempotency-Key": "k1"}).status_code == 201
        other = SAME | {"environment": "test"}
        assert call("POST", NOTES, {"text": "three"}, identity=other, **{"Idempotency-Key": "k1"}).status_code == 201

    def test_refusal_is_not_stored_and_its_effect_undone(self, call):
        refused = call("POST", NOTES, {"text": "one", "number": 0}, identity=SAME, **{"Idempotency-Key": "k1"})
        assert refused.status_code == 422
        assert (User.objects.count(), StoredAnswer.objects.count()) == (0, 0)
        assert call("POST", NOTES, {"text": "one", "number": 1}, identity=SAME, **{"Idempotency-Key": "k1"}).status_code == 201

    def test_key_is_free_again_after_a_day(self, call):
        call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        StoredAnswer.objects.update(created_at=clock.now() - idempotency.KEPT)
        assert call("POST", NOTES, {"text": "two"}, identity=SAME, **{"Idempotency-Key": "k1"}).status_code == 201

    def test_what_is_too_large_to_keep_is_not_done_twice(self, call, monkeypatch):
        monkeypatch.setattr(idempotency, "LARGEST", 10)
        first = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        second = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": "k1"})
        assert (first.status_code, first.headers["Idempotent-Stored"]) == (201, "false")
        assert (second.status_code, second.json()["code"]) == (409, "outcome_unknown")
        assert User.objects.count() == 1

    @pytest.mark.parametrize("key", ["", "x" * 256])
    def test_unusable_key_is_said(self, call, key):
        refused = call("POST", NOTES, {"text": "one"}, identity=SAME, **{"Idempotency-Key": key})
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_error")


@pytest.mark.django_db(transaction=True)
class TestInFlight:
    """While one works, the same key is refused; when it breaks off, the key is free."""

    def answer(self, *, work) -> idempotency.Answer:
        return idempotency.once(caller="partner:x", key="k", request=b"r", work=work)

    def test_second_is_refused_while_the_first_works(self):
        working, finish, refused = threading.Event(), threading.Event(), []

        def slow() -> idempotency.Answer:
            working.set()
            assert finish.wait(10)
            return idempotency.Answer(201, {}, b"{}", b"{}")

        def first() -> None:
            self.answer(work=slow)
            connection.close()

        thread = threading.Thread(target=first)
        thread.start()
        assert working.wait(10)
        with pytest.raises(IdempotencyInFlight):
            self.answer(work=lambda: refused.append(1))
        finish.set()
        thread.join()
        assert self.answer(work=lambda: refused.append(1)).replayed
        assert not refused

    def test_work_that_breaks_off_leaves_neither_effect_nor_claim(self):
        def breaks() -> idempotency.Answer:
            User.objects.create_user("lost@example.com")
            raise RuntimeError

        with pytest.raises(RuntimeError), transaction.atomic():
            self.answer(work=breaks)
        assert not User.objects.exists()
        assert self.answer(work=lambda: idempotency.Answer(201, {}, b"{}", b"{}")).status == 201
