"""Homes for tests of `local`, each removed with whatever it had outside of itself."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import engines
from local.home import Home

ENGINES = ("DATABASE_URL", "REDIS_URL")


@contextmanager
def without_outside_engines() -> Iterator[None]:
    """Take away the session's engines, so that the code under test starts its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ENGINES:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def _no_outside_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for one test, which may set others by the same `monkeypatch`: it puts back in the right order."""
    for name in ENGINES:
        monkeypatch.delenv(name, raising=False)


@contextmanager
def homes() -> Iterator[Callable[[], Path]]:
    """Paths of homes that don't exist yet, each under a closed folder of its own; all of them are removed at the end."""
    tops: list[Path] = []

    def make() -> Path:
        tops.append(Path(tempfile.mkdtemp(prefix="portico-local-")))
        return tops[-1] / "home"

    yield make
    for top in tops:
        if (top / "home" / "id").exists():
            engines.delete(Home.open(top / "home"))
        shutil.rmtree(top)


@pytest.fixture
def make_home(_no_outside_engines: None) -> Iterator[Callable[[], Path]]:
    with homes() as make:
        yield make


@pytest.fixture
def home(make_home: Callable[[], Path]) -> Path:
    return make_home()


@pytest.fixture
def as_ordinary_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., "subprocess.CompletedProcess[str]"]]:
    """Run a command as a user without rights, in a 0700 folder of its own; it may still read the interpreter we run on."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user (the other tests here run as an ordinary one already)")
    if shutil.which("setpriv") is None:
        pytest.skip("wants setpriv: apt-get install util-linux")
    uid = pwd.getpwnam("nobody").pw_uid
    folder = Path(tempfile.mkdtemp(prefix="portico-user-"))
    os.chown(folder, uid, uid)
    become = (
        f"setpriv --reuid={uid} --regid={uid} --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search".split()
    )

    def run(command: list[str], **env: str) -> "subprocess.CompletedProcess[str]":
        whole = {**os.environ, "PORTICO_HOME": str(folder / "home"), "HOME": str(folder), **env}
        return subprocess.run([*become, *command], env=whole, capture_output=True, text=True, timeout=60, check=False)

    yield run
    shutil.rmtree(folder)
