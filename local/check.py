"""Everything that can be said about the code without running it, under production settings made for the occasion."""

import base64
import os
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from local.errors import LocalError
from local.home import ROOT

BIN = Path(sys.executable).parent
# The slowest first; two run at a time.
CHECKS = {
    "Types (mypy)": "mypy .",
    "Templates (djlint)": "djlint --quiet --lint templates",
    "Deployment (manage.py check)": "python manage.py check --deploy --fail-level WARNING",
    "Migrations (makemigrations)": "python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run",
    "Layers (import-linter)": "lint-imports",
    "Style (ruff)": "ruff check .",
    "Format (ruff)": "ruff format --check .",
}


def main() -> None:
    """Run every check and raise LocalError, after showing what each says, if one fails."""
    with tempfile.TemporaryDirectory(prefix="portico-check-") as home:
        env = os.environ | production_settings(Path(home))
        with ThreadPoolExecutor(max_workers=2) as pool:
            failed = [name for name, passed in pool.map(lambda name: (name, run(name, env)), CHECKS) if not passed]
    if failed:
        raise LocalError(f"Not clean: {', '.join(failed)}.")


def write_docs() -> None:
    """Write the parts of docs/ that are made from the code."""
    with tempfile.TemporaryDirectory(prefix="portico-docs-") as home:
        env = os.environ | production_settings(Path(home))
        command = [str(BIN / "python"), "-W", "ignore::RuntimeWarning", "manage.py", "render_permissions"]
        made = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if made.returncode:
        raise LocalError(f"Not written: {made.stderr.strip()}")
    (ROOT / "docs" / "permissions.md").write_text(made.stdout)


def run(name: str, env: dict[str, str]) -> bool:
    """One check; its output is shown only if it fails."""
    began_at = time.monotonic()
    program, *arguments = CHECKS[name].split()
    done = subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    passed = done.returncode == 0
    lines = [f"  {name:<32} " + (f"{time.monotonic() - began_at:6.1f} s" if passed else "failed")]
    if not passed:
        lines += [(done.stdout + done.stderr).rstrip(), ""]
    print("\n".join(lines), flush=True)
    return passed


def production_settings(home: Path) -> dict[str, str]:
    """The environment of an installation that could go to production, with secrets of this moment. Its engines don't exist."""
    return {
        "PORTICO_HOME": str(home),
        "PORTICO_MODE": "production",
        "PORTICO_DEMO": "0",
        "PORTICO_ALLOW_LOCAL_TARGETS": "0",
        "PORTICO_BASE_URL": "https://portico.example",
        "PORTICO_ALLOWED_HOSTS": "portico.example",
        "PORTICO_MAIL_URL": "smtp+tls://portico:secret@mail.portico.example:587",
        "PORTICO_MAIL_FROM": "Portico <portico@portico.example>",
        "DATABASE_URL": f"postgresql://portico@/portico?host={home}",
        "REDIS_URL": f"unix://{home}/redis.sock?db=0",
        "PORTICO_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTICO_ENCRYPTION_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "PORTICO_HASH_KEY": secrets.token_urlsafe(32),
        "PORTICO_IDENTITY_KEY": secrets.token_urlsafe(32),
    }
