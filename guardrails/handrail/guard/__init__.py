"""The guard: runs calls, opens tickets, wraps functions and gates actions."""

from handrail.guard.actions import arguments_json, read_call
from handrail.guard.authorise import Action
from handrail.guard.call import Call
from handrail.guard.call_runner import FactSource
from handrail.guard.guard import Guard
from handrail.guard.opening import scanner_of
from handrail.guard.outcome import Observation, Observer, Outcome
from handrail.guard.tool_gate import Permit
from handrail.guard.tool_results import JudgedResult

__all__ = [
    "Action",
    "Call",
    "FactSource",
    "Guard",
    "JudgedResult",
    "Observation",
    "Observer",
    "Outcome",
    "Permit",
    "arguments_json",
    "read_call",
    "scanner_of",
]
