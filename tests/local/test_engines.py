"""The embedded engines start, answer, keep their data, keep apart, and open nothing that was closed."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from local import engines, postgres
from local.errors import LocalError
from tests.local.conftest import homes, without_outside_engines

ROOT = Path(__file__).resolve().parents[2]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def table_of(running: engines.Engines) -> list[tuple[int]]:
    with psycopg.connect(running.database_url) as connection:
        return connection.execute("SELECT answer FROM kept").fetchall()


def keep(running: engines.Engines, answer: int) -> None:
    with psycopg.connect(running.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT %s AS answer", [answer])
    with redis.Redis.from_url(running.redis_url) as client:
        client.set("kept", answer)


@pytest.fixture(scope="module")
def written_by_18() -> Iterator[Path]:
    """A stopped home with a row."""
    with without_outside_engines(), homes() as make:
        home = make()
        with engines.start(home) as running:
            running.home.write_settings({})
            keep(running, 18)
        yield home


class TestStart:
    """`engines.start` gives two engines that keep what they were told."""

    def test_data_survives_a_restart(self, home: Path) -> None:
        with engines.start(home) as running:
            keep(running, 42)
        with engines.start(home) as running:
            assert table_of(running) == [(42,)]
            assert redis.Redis.from_url(running.redis_url).get("kept") == b"42"

    def test_nothing_listens_on_the_network(self, home: Path) -> None:
        with engines.start(home) as running:
            for process in running.processes:
                assert psutil.Process(process.pid).net_connections("inet") == []

    def test_log_has_no_values_of_rows(self, home: Path) -> None:
        with engines.start(home) as running, psycopg.connect(running.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE person (address text UNIQUE, password text)")
            connection.execute("INSERT INTO person VALUES ('ann@acme.example', 'md5$hash')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO person VALUES ('ann@acme.example', 'md5$hash')")
        log = (home / "logs" / "postgres.log").read_text()
        assert "duplicate key value" in log
        assert "ann@acme.example" not in log
        assert "md5$hash" not in log

    def test_two_homes_share_nothing(self, make_home: Callable[[], Path]) -> None:
        with engines.start(make_home()) as one, engines.start(make_home()) as other:
            keep(one, 1)
            keep(other, 2)
            assert table_of(one) == [(1,)]
            assert table_of(other) == [(2,)]
            assert one.home.settings() == {}
            assert one.home.id != other.home.id

    def test_a_path_too_long_for_sockets_works(self, home: Path) -> None:
        with engines.start(home.parent / ("long " * 20 + "ü") / "home") as running:
            keep(running, 7)
            assert redis.Redis.from_url(running.redis_url).get("kept") == b"7"
            assert mode(running.home.run) == 0o700
            running.remove()

    def test_the_environment_s_engines_win(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/portico")
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
        with engines.start(home) as running:
            assert (running.database_url, running.processes) == ("postgresql://elsewhere/portico", [])

    def test_a_home_in_use_is_refused(self, home: Path) -> None:
        with engines.start(home), pytest.raises(LocalError, match=f"in use by process {os.getpid()}"):
            engines.start(home)

    def test_an_engine_left_by_a_killed_run_is_ended(self, home: Path) -> None:
        with engines.start(home) as running:
            keep(running, 5)
            running._lock.close()  # as the kernel does when the holder is killed
            with engines.start(home) as second:
                assert table_of(second) == [(5,)]
                running.processes[0].popen.wait(5)

    def test_a_stale_number_of_another_program_is_no_server(self, home: Path) -> None:
        """After a crash the number in `postmaster.pid` may be anybody's: it is neither ended nor waited for."""
        with engines.start(home) as running:
            keep(running, 5)
        account = running.postgres.account
        user = {"user": account.uid, "group": account.gid} if account.uid >= 0 else {}
        other = subprocess.Popen(["postgres", "60"], executable="/bin/sleep", cwd="/", **user)
        try:
            text = f"{other.pid}\n{running.postgres.data}\n0\n5432\n{running.postgres.socket_folder}\n\n"
            for stale in (running.postgres.data / "postmaster.pid", running.postgres.socket_folder / ".s.PGSQL.5432.lock"):
                stale.write_text(text)
                stale.chmod(0o600)
                os.chown(stale, account.uid, account.gid)
            with engines.start(home) as second:
                assert table_of(second) == [(5,)]
            assert other.poll() is None
        finally:
            other.kill()
            other.wait()


class TestPermissions:
    """Nobody else gains access to anything; nothing that stood open or closed changes."""

    def test_folders_above_stay_closed(self, home: Path) -> None:
        home.parent.chmod(0o700)
        above = {path: mode(path) for path in home.parents}
        with engines.start(home) as running:
            keep(running, 1)
            assert {path: mode(path) for path in home.parents} == above
            closed = [home, home / "logs", running.home.run, running.postgres.data, running.postgres.socket_folder]
            assert [mode(path) & 0o077 for path in closed] == [0] * len(closed)
            assert mode(running.postgres.place) & 0o007 == 0

    def test_an_ordinary_user_runs_the_engines_in_the_home(
        self, as_ordinary_user: Callable[..., "subprocess.CompletedProcess[str]"]
    ) -> None:
        program = (
            "import os; from pathlib import Path; from local import engines\n"
            "with engines.start(Path(os.environ['PORTICO_HOME'])) as running:\n"
            "    home = running.home.path\n"
            "    print(os.geteuid() != 0, running.postgres.place.parent == home, oct(home.parent.stat().st_mode))\n"
        )
        env = {"PYTHONPATH": str(ROOT), "DATABASE_URL": "", "REDIS_URL": ""}
        done = as_ordinary_user([sys.executable, "-c", program], **env)
        assert done.stdout.split() == ["True", "True", "0o40700"], done.stderr

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has a place outside of the home")
    def test_root_s_place_is_entered_by_root_and_the_engine_alone(self, home: Path) -> None:
        with engines.start(home) as running:
            place = running.postgres.place
            assert place.parent == Path("/var/lib")
            assert (place.owner(), place.group(), mode(place)) == ("root", postgres.SYSTEM_USER, 0o750)
            assert psutil.Process(running.postgres.process.pid).username() == postgres.SYSTEM_USER
        running.remove()
        assert not place.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root's homes link to a place outside")
    def test_a_copied_home_is_refused(self, home: Path) -> None:
        with engines.start(home):
            pass
        copy = home.with_name("copy")
        subprocess.run(["cp", "-a", home, copy], check=True)
        with pytest.raises(LocalError, match="is a copy of"):
            engines.start(copy)


class TestVersions:
    """An engine of another major version never touches the data, and the text says how to go on."""

    @pytest.fixture
    def newer(self, written_by_18: Path, _no_outside_engines: None, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(postgres, "wheel_version", lambda: "19.1.0")
        return written_by_18

    def test_the_refusal_says_how_to_go_on(self, newer: Path) -> None:
        with pytest.raises(
            LocalError, match=r"written by PostgreSQL 18.*PostgreSQL 19(.|\n)*make backup(.|\n)*make reset(.|\n)*make restore"
        ):
            engines.start(newer)

    def test_the_refusal_changes_nothing(self, newer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(LocalError):
            engines.start(newer)
        monkeypatch.undo()
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.delenv("REDIS_URL", raising=False)
        with engines.start(newer) as running:
            assert table_of(running) == [(18,)]

    def test_the_old_engine_can_still_back_up(self, newer: Path) -> None:
        from local import archive
        from local.home import Home

        made = archive.backup(Home.open(newer), newer.parent / "backup.tar.gz")
        assert made.stat().st_size > 500


def test_engines_end_with_the_process_that_started_them(home: Path) -> None:
    """Also when it is killed: nothing is left that holds a file or a socket."""
    program = (
        "import os, sys, time; from pathlib import Path; from local import engines\n"
        "running = engines.start(Path(sys.argv[1]))\n"
        "print(*(process.pid for process in running.processes), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and any(is_there(pid) for pid in pids):
        time.sleep(0.05)
    assert not [pid for pid in pids if is_there(pid)]


def is_there(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
