"""A backup brings everything back; reset asks; neither harms what it was not meant for."""

import io
import os
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from local import archive, engines
from local.errors import LocalError
from local.home import ROOT, Home
from tests.local.conftest import homes, without_outside_engines

pytestmark = pytest.mark.usefixtures("_no_outside_engines")


@contextmanager
def filled_home() -> Iterator[Home]:
    """A home with a row, a stored file and settings, stopped."""
    with homes() as make:
        home = make()
        with engines.start(home) as running:
            running.home.write_settings({"DATABASE_URL": running.database_url})
            (home / "files").mkdir()
            (home / "files" / "document.pdf").write_bytes(b"%PDF")
            with psycopg.connect(running.database_url) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        yield running.home


@pytest.fixture(scope="module")
def filled() -> Iterator[Home]:
    """The home of all tests that leave it as it is."""
    with without_outside_engines(), filled_home() as home:
        yield home


@pytest.fixture
def own(_no_outside_engines: None) -> Iterator[Home]:
    """A home of the test's own."""
    with filled_home() as home:
        yield home


@pytest.fixture(scope="module")
def packed(filled: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of `filled`."""
    with without_outside_engines():
        return archive.backup(filled, tmp_path_factory.mktemp("packed") / "backup.tar.gz")


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

    def test_a_running_home_is_backed_up_and_goes_on(self, filled: Home, tmp_path: Path) -> None:
        with engines.start(filled.path) as running:
            archive.backup(filled, tmp_path / "backup.tar.gz")
            assert all(process.is_alive for process in running.processes)

    def test_calls_that_wait_in_files_come_along(self, own: Home, make_home: Callable[[], Path]) -> None:
        (own.path / "spool").mkdir()
        (own.path / "spool" / "epoch.calls").write_bytes(b"calls")
        new = Home.open(make_home())
        archive.restore(new, archive.backup(own, None))
        assert (new.path / "spool" / "epoch.calls").read_bytes() == b"calls"

    def test_a_link_of_its_name_is_replaced_and_not_followed(self, filled: Home, tmp_path: Path) -> None:
        precious = tmp_path / "precious"
        precious.write_text("kept")
        name = tmp_path / "backup.tar.gz"
        name.symlink_to(precious)
        assert archive.backup(filled, name) == name
        assert precious.read_text() == "kept"
        assert not name.is_symlink()

    def test_a_backup_that_is_ended_leaves_nothing_of_its_secrets(self, filled: Home, tmp_path: Path) -> None:
        made = tmp_path / "backup.tar.gz"
        env = {**os.environ, "PORTICO_HOME": str(filled.path)}
        for name in ("DATABASE_URL", "REDIS_URL"):
            env.pop(name, None)
        running = subprocess.Popen([sys.executable, "-m", "local", "backup", str(made)], env=env, cwd=ROOT)
        deadline = time.monotonic() + 60
        while not list(made.parent.glob(f".portico-backup-*/{archive.DUMP}")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        running.terminate()
        assert running.wait(60) == 130
        assert not list(made.parent.glob(".portico-backup-*"))
        assert not made.exists()

    def test_a_backup_inside_the_home_is_refused(self, filled: Home) -> None:
        with pytest.raises(LocalError, match="inside the home"):
            archive.backup(filled, filled.path / "backup.tar.gz")


@pytest.mark.slow
class TestRestore:
    def test_its_settings_lead_to_its_own_engines(self, filled: Home, packed: Path, make_home: Callable[[], Path]) -> None:
        """From the first moment on: `manage.py` before the first run must not reach the installation that was backed up."""
        new = Home.open(make_home())
        archive.restore(new, packed)
        assert new.settings()["DATABASE_URL"] != filled.settings()["DATABASE_URL"]
        with engines.start(new.path) as running:
            assert new.settings()["DATABASE_URL"] == running.database_url
            assert new.settings()["REDIS_URL"] == running.redis_url

    def test_a_home_that_holds_data_is_refused(self, filled: Home, packed: Path) -> None:
        with pytest.raises(LocalError, match="holds data"):
            archive.restore(filled, packed)
        assert answer(filled.path) == 42

    def test_a_cut_archive_is_refused_and_can_be_tried_again(
        self, packed: Path, make_home: Callable[[], Path], tmp_path: Path
    ) -> None:
        cut = tmp_path / "cut.tar.gz"
        cut.write_bytes(packed.read_bytes()[:-400])
        new = Home.open(make_home())
        with pytest.raises(LocalError, match="no complete backup"):
            archive.restore(new, cut)
        archive.restore(new, packed)
        assert answer(new.path) == 42

    @pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.SYMTYPE])
    def test_what_leads_outside_is_refused(self, kind: bytes, make_home: Callable[[], Path], tmp_path: Path) -> None:
        member = tarfile.TarInfo("../precious" if kind == tarfile.REGTYPE else "files")
        member.type, member.linkname = kind, str(tmp_path)
        with tarfile.open(tmp_path / "crooked.tar.gz", "w:gz") as tar:
            tar.addfile(member)
        new = Home.open(make_home())
        with pytest.raises(LocalError, match="no complete backup"):
            archive.restore(new, tmp_path / "crooked.tar.gz")
        assert not (new.path / "precious").exists()
        assert not (new.path / "files").exists()

    def test_a_dump_that_does_not_load_leaves_the_home_empty(
        self, packed: Path, make_home: Callable[[], Path], tmp_path: Path
    ) -> None:
        broken = tmp_path / "broken.tar.gz"
        with tarfile.open(packed) as old, tarfile.open(broken, "w:gz") as new:
            for member in old.getmembers():
                content = old.extractfile(member).read() if member.isfile() else b""
                if member.name == archive.DUMP:
                    content = b"no dump"
                    member.size = len(content)
                new.addfile(member, io.BytesIO(content))
        target = Home.open(make_home())
        with pytest.raises(LocalError, match="pg_restore failed"):
            archive.restore(target, broken)
        archive.restore(target, packed)
        assert answer(target.path) == 42


class TestReset:
    def test_without_a_terminal_it_wants_to_be_told(self, filled: Home) -> None:
        with pytest.raises(LocalError, match="CONFIRM=yes"):
            archive.reset(filled, sure=False)
        assert answer(filled.path) == 42

    def test_nothing_is_left(self, own: Home) -> None:
        place = (own.path / "postgres").resolve()
        archive.reset(own, sure=True)
        assert not own.path.exists()
        assert not place.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root's homes link to a place outside")
    def test_a_copy_goes_without_its_original_s_data(self, filled: Home) -> None:
        copy = filled.path.with_name("copy")
        subprocess.run(["cp", "-a", filled.path, copy], check=True)
        archive.reset(Home.open(copy), sure=True)
        assert not copy.exists()
        assert answer(filled.path) == 42

    def test_a_running_home_is_refused(self, filled: Home) -> None:
        with engines.start(filled.path), pytest.raises(LocalError, match="in use"):
            archive.reset(filled, sure=True)
