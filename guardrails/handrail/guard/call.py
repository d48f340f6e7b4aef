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

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from handrail.confidence.cascade import SampleRequest
from handrail.confidence.scorers import verbalised
from handrail.guard.call_runner import CallRunner
from handrail.guard.context import Scope
from handrail.guard.outcome import Outcome
from handrail.guard.stopwatch import Ask, AsyncAsk, StopWatch, usage_of
from handrail.guard.threads import are_long, in_thread
from handrail.pipeline.exchange import Exchange
from handrail.pipeline.judge import Judged, downstream, judge, masks
from handrail.pipeline.screen import Screened, screen
from handrail.pipeline.stream import StreamRelease
from handrail.pipeline.together import Joint
from handrail.pipeline.withhold import WriteParts
from handrail.records import Draft, FaultKind, Message

T = TypeVar("T")

Write = Callable[[WriteParts], None]


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
        evidence = replace(judged.evidence, cost=self._watch.cost())
        return Judged(decision=judged.decision, evidence=evidence, drafts=judged.drafts)

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
