"""`run` brings the platform up, keeps it up, says in one line what is wrong, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.local.platform_run import PlatformRun, left_of

NAMES = {"gateway", "web", "worker", "beat", "postgres", "valkey"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def run(make_home: Callable[[], Path]) -> Iterator[Callable[..., PlatformRun]]:
    """Start a run; all of them are ended after the test."""
    runs: list[PlatformRun] = []

    def start(home: Path | None = None, port: int | None = None, *, under_make: bool = False) -> PlatformRun:
        runs.append(PlatformRun(home or make_home(), port or free_port(), under_make=under_make))
        return runs[-1]

    yield start
    with ExitStack() as stack:
        for each in runs:
            stack.callback(each.end)


class TestRefusals:
    """What can't work is refused in one line that says what to do."""

    def test_a_port_in_use(self, run: Callable[..., PlatformRun]) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            refused = run(port=taken.getsockname()[1])
            assert refused.popen.wait(60) == 1
            line = f"portico: Port {refused.port} on 127.0.0.1 is in use (by process {os.getpid()}"
            assert refused.said.strip().startswith(line)
            assert f"PORT={refused.port + 1}" in refused.said
            assert len(refused.said.splitlines()) == 1

    def test_a_home_that_runs_already(self, run: Callable[..., PlatformRun]) -> None:
        first = run()
        first.until(lambda: (first.home / "lock").exists() and (first.home / "lock").read_text(), "the lock")
        second = run(home=first.home)
        assert second.popen.wait(60) == 1
        assert f"in use by process {first.popen.pid}" in second.output.read_text()

    def test_a_port_that_is_no_number(self, run: Callable[..., PlatformRun]) -> None:
        refused = run(port="http")
        assert refused.popen.wait(60) == 1
        assert "PORT must be a number" in refused.said

    def test_an_address_of_another_machine(self, run: Callable[..., PlatformRun], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOST", "203.0.113.7")
        refused = run()
        assert refused.popen.wait(60) == 1
        assert "203.0.113.7 can't be listened on: Cannot assign requested address. Set HOST" in refused.said

    def test_a_full_disk(self, run: Callable[..., PlatformRun], make_home: Callable[[], Path]) -> None:
        home = make_home()
        home.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(home)]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("wants to mount a small disk: run as root in a machine that allows mount")
        try:
            refused = run(home=home)
            assert refused.popen.wait(60) == 1
            assert "8 MB free; 400 MB are needed" in refused.said.replace("7 MB", "8 MB")
            assert len(refused.said.splitlines()) == 1
        finally:
            subprocess.run(["umount", home], check=True)


@pytest.mark.slow
class TestLife:
    """One run, killed in parts and as a whole."""

    def test_a_killed_child_is_started_again(self, run: Callable[..., PlatformRun]) -> None:
        platform = run().up()
        assert set(platform.demo["pids"]) == NAMES
        for name in sorted(NAMES):
            pid = platform.demo["pids"][name]
            orphans = psutil.Process(pid).children(recursive=True)
            os.kill(pid, signal.SIGKILL)
            platform.until(lambda name=name, pid=pid: platform.demo["pids"].get(name, pid) != pid, f"another {name}")
            platform.until(platform.answers, f"an answer after the death of {name}")
            assert f"{name} was killed by SIGKILL; starting it again" in platform.said
            if name in {"gateway", "web"}:
                assert left_of(orphans, 5) == []
        assert "Stopped." in platform.end()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_a_signal_stops_everything(self, run: Callable[..., PlatformRun], number: signal.Signals) -> None:
        platform = run().up()
        processes = platform.processes()
        assert len(processes) > len(NAMES)
        platform.popen.send_signal(number)
        assert platform.popen.wait(60) == 0
        assert left_of(processes, 0) == []
        assert platform.demo["pids"] == {}

    def test_a_signal_during_the_start_stops_everything(self, run: Callable[..., PlatformRun]) -> None:
        platform = run()
        platform.until(lambda: "PostgreSQL" in platform.said, "the database")
        processes = platform.processes()
        platform.popen.terminate()
        assert platform.popen.wait(60) == 0
        assert left_of(processes, 0) == []

    def test_nothing_outlives_a_killed_make(self, run: Callable[..., PlatformRun]) -> None:
        platform = run(under_make=True).up()
        processes = platform.processes()
        platform.popen.kill()
        platform.popen.wait()
        assert left_of(processes, 30) == []
        assert "Stopped." in platform.said

    def test_nothing_outlives_a_killed_supervisor(self, run: Callable[..., PlatformRun]) -> None:
        platform = run().up()
        processes = platform.processes()
        platform.popen.kill()
        platform.popen.wait()
        assert left_of(processes) == []
        again = run(home=platform.home, port=platform.port).up()
        assert again.demo["partner"] == platform.demo["partner"]

    def test_two_homes_run_side_by_side(self, run: Callable[..., PlatformRun]) -> None:
        one, other = run().up(), run().up()
        assert one.answers()
        assert other.answers()
        assert one.demo["partner"]["api_key"] != other.demo["partner"]["api_key"]
        one.end()
        assert other.answers()

    def test_a_child_that_never_lives_ends_the_run(self, run: Callable[..., PlatformRun]) -> None:
        platform = run().up()
        for _ in range(5):
            worker = platform.demo["pids"]["worker"]
            os.kill(worker, signal.SIGKILL)
            platform.until(
                lambda worker=worker: platform.ended or platform.demo["pids"].get("worker", worker) != worker, "a restart"
            )
        assert platform.popen.wait(60) == 1
        assert "worker was killed by SIGKILL, for the 5th time in a row" in platform.said
        assert "worker.log" in platform.said
