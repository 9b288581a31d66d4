"""What the supervisor does on its own: it shares no port, keeps logs small, and goes on when the disk is full all the same."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local import processes
from local.errors import LocalError
from local.home import Home
from local.processes import Process
from local.supervisor import Supervisor, reserved_port


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Home]:
    """A home on a disk without a free byte."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("wants to mount a small disk: run as root in a machine that allows mount")
    try:
        home = Home.open(tmp_path)
        with suppress(OSError), (tmp_path / "filler").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                pass
        yield home
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_two_that_start_at_once_do_not_share_a_port() -> None:
    """Neither listens yet, so that both would find it free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with reserved_port("127.0.0.1", port):
        with pytest.raises(LocalError, match=f"Port {port} on 127.0.0.1 is in use"), reserved_port("127.0.0.1", port):
            pass
        with reserved_port("127.0.0.1", port + 1):
            pass
    with reserved_port("127.0.0.1", port):
        pass


def test_a_disk_that_filled_up_is_said_and_borne(full: Home, capsys: pytest.CaptureFixture[str]) -> None:
    Supervisor(full, host="127.0.0.1", port=8000)._write_pids()
    assert f"The disk is full; {full.demo_file} does not say who runs now." in capsys.readouterr().out
    assert not [path for path in full.path.iterdir() if path.name.startswith(".")]


def test_a_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one of a program that runs for months: it goes on in the same file, and what it said before is kept once."""
    monkeypatch.setattr(processes, "KEPT_LOG_BYTES", 1_000)
    log = tmp_path / "talker.log"
    talker = Process(
        name="talker", argv=["/bin/sh", "-c", "while sleep 0.01; do echo 0123456789; done"], log=log, env=dict(os.environ)
    )
    talker.start()
    try:
        for kept in (False, True):
            deadline = time.monotonic() + 60
            while log.stat().st_size <= 1_000:
                assert time.monotonic() < deadline, "it fell silent"
                time.sleep(0.01)
            assert log.with_name("talker.log.1").exists() is kept
            processes.rotate(log)
            assert log.stat().st_size < 1_000
    finally:
        talker.stop()
    assert set(log.read_text().split()) <= {"0123456789"}
    assert log.with_name("talker.log.1").stat().st_size > 1_000
