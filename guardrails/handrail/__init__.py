"""handrail lets an AI workflow know when to stop and ask a person."""

from typing import TYPE_CHECKING

from handrail.errors import (
    ActionFailed,
    AnswerBlocked,
    CheckFailed,
    ConfigError,
    HandoffRequired,
    HandrailError,
    PolicyError,
    TicketError,
    is_final,
)
from handrail.records import Answer, Decision, Handoff, Money

if TYPE_CHECKING:
    from handrail.guard import Guard

__version__ = "0.1.0"

__all__ = [
    "ActionFailed",
    "Answer",
    "AnswerBlocked",
    "CheckFailed",
    "ConfigError",
    "Decision",
    "Guard",
    "Handoff",
    "HandoffRequired",
    "HandrailError",
    "Money",
    "PolicyError",
    "TicketError",
    "is_final",
]


def __getattr__(name: str) -> object:
    # The guard pulls in the scanner and the policy language; programs that only catch errors go without.
    if name == "Guard":
        from handrail.guard import Guard

        return Guard
    raise AttributeError(f"module 'handrail' has no attribute {name!r}")
