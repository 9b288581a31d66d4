"""What schemathesis is told of this API beyond its document; read by the program that tests/test_schemathesis.py starts."""

import itertools
import os
from typing import Any

import schemathesis

OWN_KEY = os.environ["PORTICO_OWN_KEY"]
_numbers = itertools.count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """The caller's own key isn't revoked, disabled or narrowed: everything after that would be refused. And no Idempotency-Key is
    used for two requests: a schema can't say that the second is refused."""
    named = case.path_parameters or {}
    if named.get("public_id") == OWN_KEY:
        named["public_id"] = "key_own"
    key = (case.headers or {}).get("Idempotency-Key")
    if key and len(key) < 200:
        case.headers["Idempotency-Key"] = f"{key}{next(_numbers)}"


@schemathesis.deserializer("text/csv")
def read_table(context: Any, response: Any) -> str:
    """A table is a text."""
    return str(response.content.decode())
