"""An operator's token can be given what an operation asks for, and no more."""

from core import operators
from core.api.operations import operations


def test_every_operator_operation_asks_for_a_scope_that_tokens_can_have():
    asked = {operation.name: operation.scope for operation in operations() if operation.audience == "operator"}
    assert asked
    assert {name: scope for name, scope in asked.items() if scope not in operators.SCOPES} == {}
