"""The document of settings names each that the code reads, and none that it doesn't."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READ = re.compile(r"""env\.[a-z]+\(\s*"([A-Z_]+)\"""")
NAMED = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def test_the_document_names_what_the_code_reads() -> None:
    read = set(READ.findall((ROOT / "config" / "settings.py").read_text())) | {"PORTICO_HOME"}
    assert set(NAMED.findall((ROOT / "docs" / "configuration.md").read_text())) == read
