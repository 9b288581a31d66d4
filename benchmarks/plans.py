"""What PostgreSQL does for a page: its questions, each with the plan that answers it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


@dataclass(frozen=True)
class Plan:
    """One query as it ran: milliseconds, the tables it read from end to end and not by an index, its nodes in words, pages of
    memory touched, the most rows that it sorted because no index had them in order, and the most that a scan passed over to find
    less than one in a hundred."""

    sql: str
    milliseconds: float
    scanned: list[str]
    nodes: list[str]
    buffers: int = 0
    rows: int = field(default=0)
    sorted: int = field(default=0)
    in_vain: int = field(default=0)


def of_page(client: Client, path: str) -> list[Plan]:
    """The page's questions, asked again with EXPLAIN ANALYZE. Raises AssertionError unless it opens."""
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
    asked = [query["sql"] for query in captured.captured_queries]
    return [explain(sql) for sql in asked if re.match(r"(SELECT|WITH)\b", sql) and " FOR UPDATE" not in sql]


def explain(sql: str) -> Plan:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + sql.replace("%", "%%"), [])
        found: Any = cursor.fetchone()[0]
    whole = (json.loads(found) if isinstance(found, str) else found)[0]
    nodes = list(_nodes(whole["Plan"]))
    return Plan(
        sql=sql,
        milliseconds=whole["Execution Time"] + whole["Planning Time"],
        scanned=[node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"],
        nodes=[_words(node) for node in nodes],
        buffers=whole["Plan"]["Shared Hit Blocks"] + whole["Plan"]["Shared Read Blocks"],
        rows=whole["Plan"]["Actual Rows"],
        sorted=max((int(node["Plans"][0]["Actual Rows"]) for node in nodes if node["Node Type"] == "Sort"), default=0),
        in_vain=max((_passed_over(node) for node in nodes if node["Actual Rows"] < _passed_over(node) / 100), default=0),
    )


def _passed_over(node: dict[str, Any]) -> int:
    return int(node.get("Rows Removed by Filter", 0))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _words(node: dict[str, Any]) -> str:
    where = node.get("Index Name") or node.get("Relation Name") or ""
    back = " backward" if node.get("Scan Direction") == "Backward" else ""
    removed = f", {node['Rows Removed by Filter']:,} passed over" if node.get("Rows Removed by Filter") else ""
    return f"{node['Node Type']}{back} {where} ({node['Actual Rows']:,.0f} rows{removed})".replace("  ", " ")
