"""The guard: drives sessions, opens tickets, wraps functions and gates actions."""

from handrail.guard.call import Call, FactSource
from handrail.guard.guard import Guard
from handrail.guard.outcome import Observation, Observer, Outcome
from handrail.guard.tool_gate import Pass

__all__ = ["Call", "FactSource", "Guard", "Observation", "Observer", "Outcome", "Pass"]
