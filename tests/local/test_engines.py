"""The embedded engines start, answer, keep their data and go."""

from pathlib import Path

import psycopg
import redis

from local import engines


def test_data_survives_a_restart(tmp_path: Path, own_engines) -> None:
    with engines.start(tmp_path / "home") as running:
        with psycopg.connect(running.database_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        redis.Redis.from_url(running.redis_url).set("kept", "42")
    with engines.start(tmp_path / "home") as running:
        with psycopg.connect(running.database_url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert redis.Redis.from_url(running.redis_url).get("kept") == b"42"
