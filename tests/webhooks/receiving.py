"""The receivers of docs/webhooks, as programs: what each needs on the machine, and how it is made and run."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import executable

import pytest

ROOT = Path(__file__).parents[2]
RECEIVERS = ROOT / "docs" / "webhooks"
CHECKS = Path(__file__).parent / "receivers"

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Language:
    """`program` is what has to be there, `package` who brings it on Debian; `check` judges vectors, `serve` is the receiver,
    both after `build` in a folder of its own. The slow ones are compiled for many seconds."""

    name: str
    program: str
    package: str
    check: Callable[[Path], Command]
    serve: Callable[[Path, int], Command]
    build: Callable[[Path], Command] | None = None

    def ready(self, folder: Path) -> None:
        """Build it. Skips what the machine has no means for."""
        if not shutil.which(self.program):
            pytest.skip(f"the webhook receiver in {self.name} wants {self.program}: apt-get install {self.package}")
        if self.build:
            done = subprocess.run(self.build(folder), cwd=folder, env=environment(folder), capture_output=True, text=True)
            assert not done.returncode, done.stdout + done.stderr


def environment(folder: Path) -> dict[str, str]:
    """Enough for the five, and nothing of the tests' own."""
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "HOME": str(folder), "GO111MODULE": "off", "GOFLAGS": "-p=1", "PYTHONPATH": str(RECEIVERS)}


def _go(folder: Path) -> Command:
    """A receiver and its check, in one go: the libraries are compiled once for both."""
    for source in (RECEIVERS / "receiver.go", CHECKS / "check_test.go"):
        shutil.copy(source, folder)
    return ["sh", "-c", "go build -o receiver receiver.go && go test -c -o check receiver.go check_test.go"]


def _java(folder: Path) -> Command:
    return ["javac", "-d", folder, RECEIVERS / "Receiver.java", CHECKS / "Check.java"]


PYTHON = Language(
    "Python",
    executable,
    "python3",
    check=lambda folder: [executable, CHECKS / "check.py"],
    serve=lambda folder, port: [executable, RECEIVERS / "receiver.py"],
)
JAVASCRIPT = Language(
    "JavaScript",
    "node",
    "nodejs",
    check=lambda folder: ["node", CHECKS / "check.js", RECEIVERS / "receiver.js"],
    serve=lambda folder, port: ["node", RECEIVERS / "receiver.js"],
)
PHP = Language(
    "PHP",
    "php",
    "php-cli",
    check=lambda folder: ["php", CHECKS / "check.php", RECEIVERS / "receiver.php"],
    serve=lambda folder, port: ["php", "-S", f"127.0.0.1:{port}", RECEIVERS / "receiver.php"],
)
JAVA = Language(
    "Java",
    "javac",
    "openjdk-17-jdk-headless",
    check=lambda folder: ["java", "-cp", folder, "Check"],
    serve=lambda folder, port: ["java", "-cp", folder, "Receiver"],
    build=_java,
)
GO = Language(
    "Go",
    "go",
    "golang-go",
    check=lambda folder: [folder / "check"],
    serve=lambda folder, port: [folder / "receiver"],
    build=_go,
)
LANGUAGES = [
    pytest.param(PYTHON, id="Python"),
    pytest.param(JAVASCRIPT, id="JavaScript"),
    pytest.param(PHP, id="PHP"),
    pytest.param(JAVA, id="Java", marks=pytest.mark.slow),
    pytest.param(GO, id="Go", marks=pytest.mark.slow),
]
