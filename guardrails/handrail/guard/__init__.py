"""The guard: drives sessions, opens tickets, wraps functions and gates actions."""

from handrail.guard.call import Call
from handrail.guard.drive import FactSource
from handrail.guard.gate import Pass
from handrail.guard.guard import Guard
from handrail.guard.observing import Observation, Observer
from handrail.guard.outcome import Outcome

__all__ = ["Call", "FactSource", "Guard", "Observation", "Observer", "Outcome", "Pass"]
