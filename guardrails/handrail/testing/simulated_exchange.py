"""One exchange of a simulated quarter, with its truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from handrail.records import Decision, Effect, FactValue


@dataclass(slots=True, kw_only=True)
class SimulatedExchange:
    """One exchange: its facts, what is true of it, what the policy says, and what becomes of it.

    `planted` names the kinds of what was planted in the traffic that this exchange shows.
    """

    id: str
    at: datetime
    facts: Mapping[str, FactValue]
    score: float
    chance: float
    is_wrong: bool
    decision: Decision
    is_wanted: bool
    is_attack: bool
    customer: str = ""
    grant: str = ""
    is_held: bool = False
    is_stopped: bool = False
    planted: set[str] = field(default_factory=set)

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that hand it off."""
        return tuple(one.rule for one in self.decision.reasons if one.effect is Effect.HAND_OFF)

    @property
    def tool(self) -> str:
        """The tool that is called, empty for an answer."""
        return str(self.facts.get("tool.name", ""))
