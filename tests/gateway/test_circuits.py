"""When an upstream is left alone, and when it is tried again."""

import pytest

from core.problems import CircuitOpen
from gateway import circuits
from gateway.circuits import Circuit


class TestCircuit:
    """What a breaker does as time passes."""

    def opened(self):
        circuit = Circuit()
        for _ in range(circuits.LEAST_CALLS):
            circuit.fail(100.0)
        assert circuit.state == "open"
        return circuit

    def test_a_few_failures_are_nothing(self):
        circuit = Circuit()
        for _ in range(circuits.LEAST_CALLS - 1):
            assert not circuit.fail(100.0)
        for _ in range(circuits.LEAST_CALLS + 1):
            circuit.succeed(100.0)
        assert not circuit.fail(100.0)
        assert circuit.state == "closed"

    def test_old_failures_are_forgotten(self):
        circuit = Circuit()
        for _ in range(circuits.LEAST_CALLS - 1):
            circuit.fail(100.0)
        circuit.fail(100.0 + 2 * circuits.WINDOW)
        assert circuit.state == "closed"

    def test_one_call_tries_and_closes_it(self):
        circuit = self.opened()
        with pytest.raises(CircuitOpen):
            circuit.admit(104.0)
        assert circuit.admit(105.0)
        with pytest.raises(CircuitOpen):
            circuit.admit(105.0)
        assert circuit.succeed(105.1)
        assert not circuit.admit(105.2)

    def test_an_attempt_that_fails_waits_longer(self):
        circuit = self.opened()
        circuit.admit(105.0)
        circuit.fail(105.0)
        with pytest.raises(CircuitOpen):
            circuit.admit(114.9)
        assert circuit.admit(115.0)

    def test_an_attempt_that_is_abandoned_lets_the_next_try(self):
        circuit = self.opened()
        assert circuit.admit(105.0)
        circuit.abandon(105.5)
        assert circuit.admit(105.5)
