"""The shell around a session: drives it, turns failures into *unsure*, and concludes."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from handrail.errors import CheckFailed, ConfigError
from handrail.guard.auditing import Auditor, Drawn
from handrail.guard.conclude import Concluder
from handrail.guard.drive import Ask, AsyncAsk, Sources, adrive, drive
from handrail.guard.learned import Learned
from handrail.guard.outcome import Outcome
from handrail.guard.scope import Scope
from handrail.pipeline import Engine, Gated, Judged, Screened, Session, Steps
from handrail.records import Stage

T = TypeVar("T")

log = logging.getLogger("handrail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """What one guarded call works with; the engine is fixed for its whole course, whatever is reloaded."""

    engine: Engine
    sources: Sources
    concluder: Concluder
    now: Callable[[], datetime]
    auditor: Auditor | None = None
    learned: Learned = field(default_factory=Learned)

    def session(self, exchange: str, scope: Scope) -> Session:
        """Start a session for the present caller."""
        return Session(self.engine, exchange=exchange, context=scope.context, now=self.now())

    def run(self, steps: Steps[T], failed: Callable[[str], T], ask: Ask | None = None) -> T:
        """Drive steps; a check that fails in any way gives `failed(why)`. This is the only broad except."""
        try:
            return drive(steps, self.sources, ask)
        except ConfigError:
            raise
        except CheckFailed as error:
            return failed(error.step)
        except Exception as error:  # noqa: BLE001 - the boundary: what could not be judged is unsure
            return failed(_unforeseen(error))

    async def arun(self, steps: Steps[T], failed: Callable[[str], T], ask: AsyncAsk | None = None) -> T:
        """Drive steps as `run` does, awaiting what is asked."""
        try:
            return await adrive(steps, self.sources, ask)
        except ConfigError:
            raise
        except CheckFailed as error:
            return failed(error.step)
        except Exception as error:  # noqa: BLE001 - the boundary, for awaiting callers
            return failed(_unforeseen(error))

    def unscreened(self, session: Session) -> Callable[[str], Screened]:
        """What a failed screening gives: nothing may go upstream, a person decides."""
        return lambda why: Screened(
            decision=self.engine.policy.unsure(Stage.INPUT, why), evidence=session.evidence
        )

    def unjudged(self, session: Session) -> Callable[[str], Judged]:
        """What a failed judgement gives: nothing is released."""
        return lambda why: Judged(
            decision=self.engine.policy.unsure(Stage.ANSWER, why), evidence=session.evidence
        )

    def ungated(self, session: Session) -> Callable[[str], Gated]:
        """What a failed gate gives: the action does not run."""
        return lambda why: Gated(
            decision=self.engine.policy.unsure(Stage.TOOL, why), evidence=session.evidence
        )

    def conclude_input(self, screened: Screened) -> Outcome | None:
        """Return the outcome if the input already decides, None if the model may be asked."""
        if screened.pending is not None:
            return self.concluder.joined(screened.decision, screened.evidence, screened.pending)
        if not screened.decision.is_released:
            return self.concluder.withheld(screened.decision, screened.evidence)
        return None

    def drawn(self, judged: Judged) -> Drawn | None:
        """Draw whether people check this answer; None where nothing is drawn."""
        return self.auditor.draw(judged.decision, judged.evidence) if self.auditor is not None else None

    def conclude_answer(self, judged: Judged, scope: Scope, drawn: Drawn | None) -> Outcome:
        """Release the answer, or open the ticket."""
        if not judged.decision.is_released:
            return self.concluder.withheld(judged.decision, judged.evidence, drawn)
        if self.auditor is not None and drawn is not None:
            self.auditor.keep(drawn, at=self.now())
        for draft in judged.drafts:
            if draft.tool_calls:
                scope.remember(draft.tool_calls, judged.evidence)
        return self.concluder.released(judged.decision, judged.evidence, judged.drafts, drawn)


def _unforeseen(error: Exception) -> str:
    """Name a failure that no check reports itself; its message may hold scanned text, so it stays out."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{last.tb_frame.f_code.co_qualname}:{last.tb_lineno}" if last is not None else "?"
    log.error("could not be judged, handed off: %s in %s", type(error).__name__, where)
    return type(error).__name__
