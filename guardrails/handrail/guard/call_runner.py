"""What runs the steps of calls: it answers what they need, and a step that fails becomes *unsure*."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from handrail.clock import Clock
from handrail.confidence.capabilities import ModelCapabilities
from handrail.confidence.cascade import Replies, SampleRequest
from handrail.errors import CheckFailed, ConfigError, ErrorWithheld
from handrail.guard.context import Scope, came_through
from handrail.guard.outcome import Outcome, OutcomeRecorder
from handrail.guard.raised import ErrorJudge, class_name
from handrail.guard.samples import AnswerSampler, DrawnAnswer
from handrail.guard.stopwatch import Ask, AsyncAsk
from handrail.guard.threads import in_thread, step_at_length
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.judge import Judged
from handrail.pipeline.needs import Need, NeedConversation, NeedFacts, NeedHistory, Steps, answered, arun, run
from handrail.pipeline.pipeline import Pipeline
from handrail.pipeline.screen import Screened
from handrail.records import Evidence, Stage
from handrail.scan.vault import Vault
from handrail.tickets.ports import TicketStore

T = TypeVar("T")

log = logging.getLogger("handrail")


class FactSource(Protocol):
    """Where a caller's own facts come from. A name it leaves out is unknown."""

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRunner:
    """Runs the steps of calls; one policy holds for the whole of a call, whatever is loaded meanwhile.

    Args:
        pipeline: what all calls under the policy share.
        store: answers needs about conversations and past actions.
        facts: answers needs for the caller's own facts.
        recorder: turns decisions into outcomes.
        now: the clock.
        sampler: draws passed answers for people to check.
        capabilities: what models were seen to give.
    """

    pipeline: Pipeline
    store: TicketStore
    facts: FactSource | None
    recorder: OutcomeRecorder
    now: Clock
    sampler: AnswerSampler | None = None
    capabilities: ModelCapabilities = field(default_factory=ModelCapabilities)

    def exchange(self, id: str, scope: Scope) -> Exchange:  # noqa: A002 - what it is
        """Begin an exchange for the present caller."""
        return Exchange(
            pipeline=self.pipeline,
            evidence=Evidence(exchange=id, context=scope.context, adapter=came_through()),
            now=self.now(),
            vault=Vault() if self.pipeline.redaction == "pseudonym" else None,
        )

    def run(self, steps: Steps[T], failed: Callable[[str], T], ask: Ask | None = None) -> T:
        """Run steps to their result; a check that fails in any way gives `failed(why)`.

        Here and in `arun` is the library's one broad `except` for calls.
        """

        def answer(need: Need) -> object:
            if isinstance(need, SampleRequest) and ask is not None:
                start = time.monotonic()
                return Replies(drafts=tuple(ask(need)), seconds=time.monotonic() - start)
            return self._answer(need)

        try:
            return run(steps, answer)
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary: what could not be judged is unsure
            return failed(_reason(error))

    async def arun(
        self,
        steps: Steps[T],
        failed: Callable[[str], T],
        ask: AsyncAsk | None = None,
        *,
        is_long: bool = False,
    ) -> T:
        """Run steps as `run` does; the store and the caller's facts are asked in a thread.

        Steps over long texts are taken in a thread, too.
        """

        async def answer(need: Need) -> object:
            if isinstance(need, SampleRequest) and ask is not None:
                start = time.monotonic()
                return Replies(drafts=tuple(await ask(need)), seconds=time.monotonic() - start)
            return await in_thread(answered, need, self._answer)

        try:
            return await arun(steps, answer, stepper=step_at_length if is_long else None)
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 - the boundary, for awaiting callers
            return failed(_reason(error))

    def _answer(self, need: Need) -> object:
        match need:
            case NeedConversation(tenant=tenant, conversation=conversation):
                return self.store.conversation(tenant, conversation)
            case NeedHistory(queries=queries):
                return self.store.totals(queries)
            case NeedFacts(names=names, evidence=evidence):
                given = self.facts(names, evidence, self.now()) if self.facts else {}
                return {name: given[name] for name in names if name in given}
            case SampleRequest():
                return Replies()

    def judges_result(self, tool: str) -> bool:
        """Tell whether a rule reads what a tool returns."""
        return bool(self.pipeline.declared.for_result(tool))

    def unscreened(self, exchange: Exchange) -> Callable[[str], Screened]:
        """What a failed screening gives: nothing may go to the model, a person decides."""
        return lambda why: Screened(
            decision=self.pipeline.policy.unsure(Stage.INPUT, why), evidence=exchange.evidence
        )

    def unjudged(self, exchange: Exchange) -> Callable[[str], Judged]:
        """What a failed judgement gives: nothing is released."""
        return lambda why: Judged(
            decision=self.pipeline.policy.unsure(Stage.ANSWER, why), evidence=exchange.evidence
        )

    def told(self, error: BaseException) -> BaseException:
        """Return an error of a guarded function as its caller may have it; see `handrail.guard.raised`."""
        judge = ErrorJudge(scanner=self.pipeline.scanner, types=self.pipeline.withheld_told)
        withheld = ErrorWithheld(class_name(type(error)))
        return self.run(judge.steps(error), lambda _: withheld)

    def conclude_input(self, screened: Screened) -> Outcome | None:
        """Return the outcome if the input already decides, None if the model may be asked."""
        if screened.pending is not None:
            return self.recorder.joined(screened.decision, screened.evidence, screened.pending)
        if not screened.decision.effect.is_released:
            return self.recorder.withheld(screened.decision, screened.evidence)
        return None

    def drawn(self, judged: Judged) -> DrawnAnswer | None:
        """Draw whether people check this answer; None where nothing is drawn."""
        return self.sampler.draw(judged.decision, judged.evidence) if self.sampler is not None else None

    def conclude_answer(self, judged: Judged, scope: Scope, drawn: DrawnAnswer | None) -> Outcome:
        """Release the answer, or open the ticket."""
        if not judged.decision.effect.is_released:
            return self.recorder.withheld(judged.decision, judged.evidence, drawn)
        if self.sampler is not None and drawn is not None:
            self.sampler.keep(drawn, at=self.now())
        for draft in judged.drafts:
            if draft.tool_calls:
                scope.remember(draft.tool_calls, judged.evidence)
        return self.recorder.released(judged.decision, judged.evidence, judged.drafts, drawn)


def _reason(error: Exception) -> str:
    """Name a failure: the step of a check that reports itself, else the kind of error.

    The message of an unforeseen error may hold scanned text, so only its place in the code is logged.
    """
    if isinstance(error, CheckFailed):
        return error.step
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{last.tb_frame.f_code.co_qualname}:{last.tb_lineno}" if last is not None else "?"
    log.error("could not be judged, handed off: %s in %s", type(error).__name__, where)
    return type(error).__name__
