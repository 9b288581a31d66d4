"""A backup brings everything back; reset asks; neither harms what it was not meant for."""

import io
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from local import archive, engines
from local.errors import LocalError
from local.home import Home


@pytest.fixture
def filled(home: Path) -> Home:
    """A home with a row, a stored file and settings, stopped."""
    with engines.start(home) as running:
        running.home.write_settings({"DATABASE_URL": running.database_url})
        (home / "files").mkdir()
        (home / "files" / "document.pdf").write_bytes(b"%PDF")
        with psycopg.connect(running.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        return running.home


def answer(path: Path) -> int:
    with engines.start(path) as running, psycopg.connect(running.database_url) as connection:
        return connection.execute("SELECT answer FROM kept").fetchone()[0]


class TestBackup:
    def test_a_stopped_home_comes_back_whole(self, filled: Home, make_home: Callable[[], Path]) -> None:
        made = archive.backup(filled, None)
        assert (made.parent, stat.S_IMODE(made.stat().st_mode)) == (filled.path.parent, 0o600)
        new = Home.open(make_home())
        archive.restore(new, made)
        assert answer(new.path) == 42
        assert (new.path / "files" / "document.pdf").read_bytes() == b"%PDF"
        assert new.settings()["PORTICO_HASH_KEY"] == filled.settings()["PORTICO_HASH_KEY"]
        assert new.settings()["PORTICO_COOKIE_SUFFIX"] != filled.settings()["PORTICO_COOKIE_SUFFIX"]

    def test_a_running_home_is_backed_up_and_goes_on(self, filled: Home) -> None:
        with engines.start(filled.path) as running:
            archive.backup(filled, filled.path.parent / "backup.tar.gz")
            assert all(process.is_alive for process in running.processes)

    def test_a_backup_inside_the_home_is_refused(self, filled: Home) -> None:
        with pytest.raises(LocalError, match="inside the home"):
            archive.backup(filled, filled.path / "backup.tar.gz")


class TestRestore:
    def test_a_home_that_holds_data_is_refused(self, filled: Home) -> None:
        made = archive.backup(filled, None)
        with pytest.raises(LocalError, match="holds data"):
            archive.restore(filled, made)
        assert answer(filled.path) == 42

    def test_a_cut_archive_is_refused_and_can_be_tried_again(self, filled: Home, make_home: Callable[[], Path]) -> None:
        made = archive.backup(filled, None)
        cut = made.with_name("cut.tar.gz")
        cut.write_bytes(made.read_bytes()[:-400])
        new = Home.open(make_home())
        with pytest.raises(LocalError, match="no complete backup"):
            archive.restore(new, cut)
        archive.restore(new, made)
        assert answer(new.path) == 42

    def test_a_dump_that_does_not_load_leaves_the_home_empty(self, filled: Home, make_home: Callable[[], Path]) -> None:
        made = archive.backup(filled, None)
        broken = made.with_name("broken.tar.gz")
        with tarfile.open(made) as old, tarfile.open(broken, "w:gz") as new:
            for member in old.getmembers():
                content = old.extractfile(member).read() if member.isfile() else b""
                if member.name == archive.DUMP:
                    content = b"no dump"
                    member.size = len(content)
                new.addfile(member, io.BytesIO(content))
        target = Home.open(make_home())
        with pytest.raises(LocalError, match="pg_restore failed"):
            archive.restore(target, broken)
        archive.restore(target, made)
        assert answer(target.path) == 42


class TestReset:
    def test_without_a_terminal_it_wants_to_be_told(self, filled: Home) -> None:
        with pytest.raises(LocalError, match="CONFIRM=yes"):
            archive.reset(filled, sure=False)
        assert answer(filled.path) == 42

    def test_nothing_is_left(self, filled: Home) -> None:
        place = (filled.path / "postgres").resolve()
        archive.reset(filled, sure=True)
        assert not filled.path.exists()
        assert not place.exists()

    def test_a_running_home_is_refused(self, filled: Home) -> None:
        with engines.start(filled.path), pytest.raises(LocalError, match="in use"):
            archive.reset(filled, sure=True)
