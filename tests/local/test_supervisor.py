"""What the supervisor does on its own: it goes on while the disk is full."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local.home import Home
from local.supervisor import Supervisor


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


def test_a_disk_that_filled_up_is_said_and_borne(full: Home, capsys: pytest.CaptureFixture[str]) -> None:
    Supervisor(full, host="127.0.0.1", port=8000)._write_pids()
    assert f"The disk is full; {full.demo_file} does not say who runs now." in capsys.readouterr().out
    assert not [path for path in full.path.iterdir() if path.name.startswith(".")]
