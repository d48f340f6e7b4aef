"""What a guarded call comes to."""

from dataclasses import dataclass

from handrail.errors import AnswerBlocked, HandoffRequired
from handrail.records import Decision, Draft, Effect, Handoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The decision and what follows from it for the caller.

    `drafts` holds what may be released (unchanged or redacted) and is empty otherwise; `handoff` is set when
    a ticket is open; `notice` is what the person is told when nothing is released.
    """

    exchange: str
    decision: Decision
    drafts: tuple[Draft, ...] = ()
    handoff: Handoff | None = None
    notice: str = ""

    @property
    def is_released(self) -> bool:
        """True when the caller may have the answer."""
        return self.handoff is None and self.decision.is_released

    @property
    def is_blocked(self) -> bool:
        """True when the policy forbids it outright; a hand-off beside it may still have opened a ticket."""
        return self.decision.effect is Effect.BLOCK

    def raise_if_withheld(self) -> None:
        """Raise `AnswerBlocked` or `HandoffRequired` unless the answer is released."""
        if self.handoff is not None and not self.is_blocked:
            raise HandoffRequired(self.handoff)
        if not self.decision.is_released:
            raise AnswerBlocked(self.decision)
