"""Typed readers of the environment: every setting of an installation is read here, once, with its type.

A home (`PORTICO_HOME`) made by `make run` keeps its own settings in the file `env` inside it, so that `manage.py`
works on a running installation without exporting anything. What the process environment says wins over that file.
"""

import os
import sys
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import NoReturn

import environ

HOME = Path(os.environ.get("PORTICO_HOME", Path(__file__).resolve().parent.parent / ".portico")).resolve()

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}

if (HOME / "env").is_file():
    environ.Env.read_env(HOME / "env", overwrite=False)


class Unsafe(Exception):
    """The environment can't be run with; each argument is one problem in one line."""


_problems: list[str] = []


def problem(line: str) -> None:
    """Remember one reason not to start; `refuse_if_unsafe` reports all of them together."""
    _problems.append(line)


def refuse_if_unsafe() -> None:
    """Exit with status 78 (`EX_CONFIG`) and one line a problem if any was found."""
    if _problems:
        _refuse(_problems)


def _refuse(lines: list[str]) -> NoReturn:
    for line in lines:
        print(f"portico: configuration: {line}", file=sys.stderr)
    raise SystemExit(78)


def text(name: str, default: str | None = None) -> str:
    """A string. Without a default the setting is required."""
    value = os.environ.get(name, default)
    if value is None:
        problem(f"{name} is not set; see docs/configuration.md")
        return ""
    return value


def secret(name: str, *, minimum: int = 32) -> str:
    """A required secret of at least `minimum` characters. There is no default secret, in any mode."""
    value = text(name)
    if value and len(value) < minimum:
        problem(f"{name} is {len(value)} characters long; it must have at least {minimum} random ones")
    return value


def integer(name: str, default: int, *, least: int | None = None, most: int | None = None) -> int:
    """A whole number, within the bounds if they are given."""
    raw = os.environ.get(name)
    if raw is None or raw == "":
        return default
    try:
        value = int(raw)
    except ValueError:
        problem(f"{name} must be a whole number, not {raw!r}")
        return default
    if (least is not None and value < least) or (most is not None and value > most):
        problem(f"{name} must be between {least} and {most}, not {value}")
        return default
    return value


def boolean(name: str, *, default: bool) -> bool:
    """1/true/yes/on or 0/false/no/off, in any case."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    problem(f"{name} must be 1 or 0, not {raw!r}")
    return default


def names(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A list, separated by commas; blanks around the entries are dropped."""
    raw = os.environ.get(name)
    if raw is None:
        return list(default)
    return [part.strip() for part in raw.split(",") if part.strip()]


def networks(name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """A list of networks and addresses, separated by commas; none by default."""
    found = []
    for entry in names(name):
        try:
            found.append(ip_network(entry))
        except ValueError as error:
            problem(f"{name} must list networks such as 10.20.0.0/16: {error}")
    return tuple(found)


def choice(name: str, options: tuple[str, ...], default: str) -> str:
    """One of the given words."""
    value = os.environ.get(name, default)
    if value not in options:
        problem(f"{name} must be one of {', '.join(options)}, not {value!r}")
        return default
    return value


def path(name: str, default: Path) -> Path:
    """A file or folder, made absolute."""
    return Path(os.environ.get(name) or default).resolve()


def database(name: str) -> dict[str, object]:
    """Django's database settings from a `postgresql://user:password@host:port/name` URL (also `?host=/socket/folder`)."""
    url = text(name)
    if not url:
        return {"ENGINE": "django.db.backends.postgresql"}
    if not url.startswith(("postgres://", "postgresql://")):
        problem(f"{name} must start with postgresql://; Portico runs on PostgreSQL only")
        return {"ENGINE": "django.db.backends.postgresql"}
    return dict(environ.Env.db_url_config(url))


def mail(url: str) -> dict[str, object]:
    """Django's mail settings from an `smtp+tls://user:password@host:587` or `filemail:///folder` URL."""
    return dict(environ.Env.email_url_config(url)) if url else {}


def given(name: str) -> bool:
    """Whether the environment sets it at all."""
    return name in os.environ
