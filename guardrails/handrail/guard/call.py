"""One guarded call: its steps run, failures turned into *unsure*, its outcome recorded.

A call is in one of three states:

    begun ──► open      `outcome` is None: `messages`, and only those, may go to the model. What it answers
                 │      goes to `finish`, a failure to answer to `fail`, once.
                 ▼
              ended     `outcome` is set: the answer is released, withheld (a ticket is open or the policy
                        forbids it), or joined to the ticket that this conversation has open already. A call
                        whose input decides the matter begins here; the model must not be asked.

Why nothing is released that could not be judged:

1. The steps in `handrail.pipeline` do no input or output. Everything that can fail on the way is either code
   inside the steps or the answer to a need, and `CallRunner` alone runs both.
2. An exception from either, whatever it is, ends the steps, and the decision is then the policy's `unsure`: a
   hand-off to the role that gets what is unknown. Only a ConfigError goes on to the caller, who gets no
   answer with it.
3. An answer is released only where a decision that was returned says so, after that decision is on record;
   an error of the recorder goes to the caller in place of the answer.
4. A hand-off is durable in the store before the caller hears of it, else in the spool; where even that fails
   the caller gets the error.

`tests/property/test_fail_closed.py` breaks each part in turn.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from handrail.clock import Clock
from handrail.confidence.capabilities import ModelCapabilities
from handrail.confidence.cascade import Replies, SampleRequest
from handrail.confidence.scorers import verbalised
from handrail.errors import CheckFailed, ConfigError, ErrorWithheld
from handrail.guard.context import Scope, came_through
from handrail.guard.outcome import Outcome, OutcomeRecorder
from handrail.guard.raised import ErrorJudge, class_name
from handrail.guard.samples import AnswerSampler, DrawnAnswer
from handrail.guard.stopwatch import Ask, AsyncAsk, StopWatch, usage_of
from handrail.guard.threads import are_long, in_thread, step_at_length
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.judge import Judged, downstream, judge, masks
from handrail.pipeline.needs import Need, NeedConversation, NeedFacts, NeedHistory, Steps, answered, arun, run
from handrail.pipeline.pipeline import Pipeline
from handrail.pipeline.screen import Screened, screen
from handrail.pipeline.stream import StreamRelease
from handrail.pipeline.together import Joint
from handrail.pipeline.withhold import WriteParts
from handrail.records import Draft, Evidence, FaultKind, Message, Stage
from handrail.scan.vault import Vault
from handrail.tickets.ports import TicketStore

T = TypeVar("T")

Write = Callable[[WriteParts], None]

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


class Call:
    """A call whose input was screened.

    If `outcome` is set the matter is decided and the model must not be asked. Otherwise send `messages`, and
    only those, to the model, then hand everything it produced to `finish` (or `fail`), once.
    """

    def __init__(
        self, runner: CallRunner, exchange: Exchange, scope: Scope, screened: Screened, watch: StopWatch
    ) -> None:
        self._runner, self._exchange, self._scope, self._screened = runner, exchange, scope, screened
        self._model: tuple[str, str] | None = None
        self._watch = watch
        watch.lap("screen")
        self.wants_logprobs: bool = screened.wants_logprobs
        """True when log-probabilities should be asked for: a rule reads confidence and they may be had."""
        self.outcome: Outcome | None = None
        """What came of the call; None as long as the model may be asked."""

    def asks(self, model: str, endpoint: str = "") -> None:
        """Say which model will be asked, and where; what it is known not to give is then not asked of it.

        Args:
            model: name of the model, as in the request.
            endpoint: where it is asked; the same name may stand for something else there.
        """
        self._model = (model, endpoint) if model else None
        if self._model is not None and self.wants_logprobs:
            self.wants_logprobs = self._runner.capabilities.should_ask(*self._model)

    def refused_logprobs(self) -> None:
        """Say that the model refused because log-probabilities were asked for; ask it again without."""
        if self._model is not None:
            self._runner.capabilities.refused(*self._model)
        self.wants_logprobs = False

    def used(self, usage: object) -> None:
        """Say what the provider states that the answer used: a mapping of its names to numbers."""
        self._watch.usage = usage_of(usage)

    @property
    def exchange(self) -> str:
        """Id of this exchange."""
        return self._exchange.evidence.exchange

    @property
    def messages(self) -> tuple[Message, ...]:
        """What may go to the model, without anything that the policy withholds."""
        return self._screened.messages

    @property
    def instruction(self) -> str | None:
        """A self-check to append to the request; its number is stripped from the answer again."""
        return self._screened.instruction

    def finish(
        self,
        drafts: Sequence[Draft],
        *,
        ask: Ask | None = None,
        wants_json: bool = False,
        write: Write | None = None,
    ) -> Outcome:
        """Judge what the model produced.

        Args:
            drafts: every choice of the answer.
            ask: how to ask the model again, where the policy checks confidence with more samples.
            wants_json: the caller asked for structured output, so anything else is a fault.
            write: puts what is released into the caller's own values; where it fails, nothing is released.
        """
        self._learn(drafts)
        self._watch.lap("model")
        again = self._watch.asking(ask, self._askable)
        steps = judge(self._exchange, drafts, self._screened, wants_json=wants_json, write=write)
        judged = self._timed(self._runner.run(steps, self._runner.unjudged(self._exchange), again))
        self.outcome = self._runner.conclude_answer(judged, self._scope, self._runner.drawn(judged))
        return self.outcome

    async def afinish(
        self,
        drafts: Sequence[Draft],
        *,
        ask: AsyncAsk | None = None,
        wants_json: bool = False,
        write: Write | None = None,
    ) -> Outcome:
        """Judge what the model produced, as `finish` does."""
        self._learn(drafts)
        self._watch.lap("model")
        again = self._watch.aasking(ask, self._askable)
        steps = judge(self._exchange, drafts, self._screened, wants_json=wants_json, write=write)
        is_long = are_long(self.messages) or are_long(drafts)
        unjudged = self._runner.unjudged(self._exchange)
        judged = self._timed(await self._runner.arun(steps, unjudged, again, is_long=is_long))
        drawn = self._runner.drawn(judged)
        is_short = not is_long and judged.decision.effect.is_released and not (drawn and drawn.content)
        if is_short and not self._runner.recorder.log_waits:
            self.outcome = self._runner.conclude_answer(judged, self._scope, drawn)
        else:
            self.outcome = await in_thread(self._runner.conclude_answer, judged, self._scope, drawn)
        return self.outcome

    def _timed(self, judged: Judged) -> Judged:
        self._watch.lap("judge")
        return replace(judged, evidence=replace(judged.evidence, cost=self._watch.cost()))

    def fail(self, fault: FaultKind) -> Outcome:
        """Judge a model call that gave no answer; released means that the policy leaves the fault to you."""
        return self.finish([Draft(fault=fault)])

    async def afail(self, fault: FaultKind) -> Outcome:
        """Judge a model call that gave no answer, as `fail` does."""
        return await self.afinish([Draft(fault=fault)])

    def told(self, error: BaseException) -> BaseException:
        """Return an error of the function that was guarded as its caller may have it."""
        return self._runner.told(error)

    def stream(self) -> StreamRelease:
        """Start releasing one streamed choice: it tells how many chunks may be shown before `finish`.

        What was shown is on the ticket if the answer is handed off after all.
        """
        self._exchange.streams.append(self._runner.pipeline.stream(self._exchange.vault))
        return self._exchange.streams[-1]

    def redact_answer(self, text: str) -> str:
        """One text of the answer as the caller may have it: masked, without a self-check's number."""
        if self.outcome is None:
            return text
        if self.instruction is not None:
            text, _ = verbalised.strip(text)
        return downstream(self._exchange, self.outcome.decision).text(text)

    @property
    def is_rewritten(self) -> bool:
        """True when a released answer differs from what the model wrote."""
        return self.outcome is not None and masks(self._exchange, self.outcome.decision)

    def _learn(self, drafts: Sequence[Draft]) -> None:
        if self._model is not None and self.wants_logprobs:
            self._exchange.asked_logprobs = True
            self._runner.capabilities.saw(*self._model, drafts)

    def _askable(self, need: SampleRequest) -> SampleRequest:
        """What may be asked of this model in place of what would be best."""
        if need.wants_logprobs and self._model and not self._runner.capabilities.should_ask(*self._model):
            return replace(need, wants_logprobs=False)
        return need


def begin(
    runner: CallRunner,
    scope: Scope,
    messages: Sequence[Message],
    id: str,  # noqa: A002 - what it is
    joint: Joint | None = None,
) -> Call:
    """Screen the input and return the call; messages that are part of a joint text are judged as that."""
    exchange, watch = runner.exchange(id, scope), StopWatch()
    screened = runner.run(screen(exchange, messages, joint), runner.unscreened(exchange))
    call = Call(runner, exchange, scope, screened, watch)
    call.outcome = runner.conclude_input(screened)
    return call


async def abegin(
    runner: CallRunner,
    scope: Scope,
    messages: Sequence[Message],
    id: str,  # noqa: A002 - what it is
    joint: Joint | None = None,
) -> Call:
    """Screen the input and return the call as `begin` does, awaiting the store."""
    exchange, watch = runner.exchange(id, scope), StopWatch()
    screened = await runner.arun(
        screen(exchange, messages, joint), runner.unscreened(exchange), is_long=are_long(messages)
    )
    call = Call(runner, exchange, scope, screened, watch)
    if not call.messages:
        call.outcome = await in_thread(runner.conclude_input, screened)
    return call
