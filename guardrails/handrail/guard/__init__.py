"""The guard: runs calls, opens tickets, wraps functions and gates actions."""

from handrail.guard.authorise import Action
from handrail.guard.call import Call, FactSource
from handrail.guard.guard import Guard
from handrail.guard.outcome import Observation, Observer, Outcome
from handrail.guard.tool_gate import Permit, arguments_json

__all__ = [
    "Action",
    "Call",
    "FactSource",
    "Guard",
    "Observation",
    "Observer",
    "Outcome",
    "Permit",
    "arguments_json",
]
