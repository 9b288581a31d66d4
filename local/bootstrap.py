"""Make the virtual environment and install the pinned requirements, unless that was done for these very files.

Run by `make` with whatever Python 3.11 the machine has; uses the standard library alone.
"""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "portico-requirements"


def fail(text: str) -> None:
    sys.exit(f"  portico: {text}")


def fingerprint(names: list[str]) -> str:
    """What the environment was made from: the requirements' bytes and the interpreter's version."""
    digest = hashlib.sha256(f"{sys.version_info[:2]}".encode())
    for name in names:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def run(command: list[str]) -> tuple[int, str]:
    """A command's status and output; if we are told to stop, it stops with everything it started."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output = process.communicate()[0]
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    return process.returncode, output


def wait_for(command: list[str], step: str) -> None:
    """Run a command, showing the step and its time; its output is shown only if it fails."""
    began_at = time.monotonic()
    done = threading.Event()
    terminal = sys.stdout.isatty()

    def show() -> None:
        while not done.wait(1 if terminal else 15):
            print(f"  {step:<32} {time.monotonic() - began_at:6.0f} s …", end="\r" if terminal else "\n", flush=True)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        status, output = run(command)
    finally:
        done.set()
        thread.join()
    if status:
        print(f"  {step:<32} failed", flush=True)
        if "No space left on device" in output:
            fail(f"The disk that holds {VENV} is full. Free some space and start again.")
        if "ensurepip" in output:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            fail(f"This Python has no venv module. On Debian or Ubuntu: apt-get install python{version}-venv")
        fail(
            f"{' '.join(command)} ended with status {status}:\n" + "\n".join(f"    {line}" for line in output.splitlines()[-15:])
        )
    print(f"  {step:<32} {time.monotonic() - began_at:6.1f} s", flush=True)


def stop(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever Python the machine has
        fail(
            f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}. "
            "Name another one: make PYTHON=/path/to/python3.11"
        )
    development = "dev" in sys.argv[1:]
    wanted = "requirements-dev.txt" if development else "requirements.txt"
    made_from = {name: fingerprint([name]) for name in ("requirements.txt", "requirements-dev.txt")}
    stamps = STAMP.read_text().split() if STAMP.is_file() else []
    if made_from[wanted] in stamps and (VENV / "bin" / "python").exists():
        return
    if not all((VENV / "bin" / name).exists() for name in ("python", "pip")):
        wait_for([sys.executable, "-m", "venv", "--clear", str(VENV)], "Python environment")
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]
    wait_for([*pip, "--requirement", str(ROOT / wanted)], "Python packages")
    STAMP.write_text("\n".join({made_from["requirements.txt"], made_from[wanted]}) + "\n")


try:
    main()
except KeyboardInterrupt:
    sys.exit(130)
