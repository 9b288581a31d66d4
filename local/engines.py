"""The two engines as one: `with engines.start(path) as running:` for tests, tools and the supervisor alike."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from local import places
from local.home import Home
from local.postgres import Postgres
from local.processes import Process
from local.valkey import Valkey


@dataclass
class Engines:
    """The engines of a home that run now; each is None where the environment names an outside one."""

    home: Home
    postgres: Postgres | None
    valkey: Valkey | None
    database_url: str
    redis_url: str
    _lock: ExitStack

    @property
    def processes(self) -> list[Process]:
        found = [engine.process for engine in (self.postgres, self.valkey) if engine is not None]
        return [process for process in found if process is not None]

    def stop(self) -> None:
        """Stop what was started and give the home back."""
        for process in self.processes:
            process.signal_stop()
        for process in self.processes:
            process.stop()
        self._lock.close()

    def remove(self) -> None:
        """Stop, and delete the home with all its data."""
        self.stop()
        delete(self.home)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def start(path: Path, *, durable: bool = True) -> Engines:
    """Start a PostgreSQL and a Valkey with their state in the folder `path`, and return when both answer.

    `DATABASE_URL` and `REDIS_URL` in the process environment take the place of either. Call from the main thread. Raises
    LocalError if the home is in use, the disk is full, or an engine can't start.
    """
    home = Home.open(path)
    home.require_space()
    lock = ExitStack()
    lock.enter_context(home.locked())
    engines = prepared(home, lock, durable=durable)
    try:
        if engines.valkey:
            engines.valkey.start()
        if engines.postgres:
            engines.postgres.make()
            engines.postgres.start()
            engines.postgres.wait()
        if engines.valkey:
            engines.valkey.wait()
    except BaseException:
        engines.stop()
        raise
    return engines


def delete(home: Home) -> None:
    """Delete a stopped home, and what it has outside of itself."""
    Postgres(home).remove()
    if (home.path / "run").is_symlink():
        shutil.rmtree((home.path / "run").resolve(), ignore_errors=True)
    shutil.rmtree(home.path)


def prepared(home: Home, lock: ExitStack, *, durable: bool = True) -> Engines:
    """The engines of a locked home, not started."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    postgres = None if database_url else Postgres(home, durable=durable)
    if postgres and os.geteuid() == 0:
        places.sweep()
    valkey = None if redis_url else Valkey(home, durable=durable)
    return Engines(
        home=home,
        postgres=postgres,
        valkey=valkey,
        database_url=postgres.url if postgres else database_url or "",
        redis_url=valkey.url if valkey else redis_url or "",
        _lock=lock,
    )
