"""Secrets at rest, and how their key is changed."""

import base64
import secrets
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core import clock, crypto
from core.models import StoredAnswer


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def store(text: str) -> StoredAnswer:
    return StoredAnswer.objects.create(caller="c", key=secrets.token_hex(4), fingerprint=b"", status=200, body=text)


@pytest.mark.django_db
class TestRotation:
    def test_old_key_may_go_after_rotation(self, settings) -> None:
        rows = [store(f"secret {number}") for number in range(7)]
        old, new = settings.ENCRYPTION_KEYS, new_key()
        settings.ENCRYPTION_KEYS = [new, *old]
        call_command("rotate_encryption")
        settings.ENCRYPTION_KEYS = [new]
        assert [StoredAnswer.objects.get(pk=row.pk).body for row in rows] == [f"secret {number}" for number in range(7)]

    def test_every_batch_is_rotated(self, settings, monkeypatch: pytest.MonkeyPatch) -> None:
        from core.management.commands import rotate_encryption

        monkeypatch.setattr(rotate_encryption, "BATCH", 3)
        self.test_old_key_may_go_after_rotation(settings)

    def test_missing_key_is_said_and_nothing_is_lost(self, settings) -> None:
        row = store("secret")
        old = settings.ENCRYPTION_KEYS
        settings.ENCRYPTION_KEYS = [new_key()]
        with pytest.raises(CommandError, match="Put that key back"):
            call_command("rotate_encryption")
        with pytest.raises(crypto.UnreadableSecret):
            StoredAnswer.objects.get(pk=row.pk)
        settings.ENCRYPTION_KEYS = old
        assert StoredAnswer.objects.get(pk=row.pk).body == "secret"

    def test_plain_text_is_not_in_the_table(self) -> None:
        store("very secret")
        with connection.cursor() as cursor:
            cursor.execute("SELECT body FROM core_storedanswer")
            assert b"very secret" not in bytes(cursor.fetchone()[0])


class TestCredentials:
    def test_shape(self) -> None:
        credential = crypto.generate("pk_live_")
        assert crypto.well_formed(credential, "pk_live_")
        assert len(credential) == len("pk_live_") + 43 + 6
        assert crypto.generate("pk_live_") != credential
        assert crypto.hint(credential, "pk_live_") == f"pk_live_…{credential[-4:]}"

    @pytest.mark.parametrize("place", [8, 20, 50, 56])
    def test_one_wrong_letter_shows(self, place: int) -> None:
        credential = crypto.generate("pk_live_")
        wrong = "a" if credential[place] != "a" else "b"
        assert not crypto.well_formed(credential[:place] + wrong + credential[place + 1 :], "pk_live_")

    def test_digest_depends_on_the_installation(self, settings) -> None:
        one = crypto.digest("pk_live_x")
        settings.HASH_KEY = "another key of another installation"
        assert not crypto.same(one, crypto.digest("pk_live_x"))


@pytest.mark.django_db
def test_answers_are_forgotten_after_a_day() -> None:
    from core.tasks import forget_answers

    old, young = store("old"), store("young")
    StoredAnswer.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(hours=24, seconds=1))
    forget_answers()
    assert [row.pk for row in StoredAnswer.objects.all()] == [young.pk]
