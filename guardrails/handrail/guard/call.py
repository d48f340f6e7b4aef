"""One guarded call as adapters see it: begin, ask the model, finish."""

import asyncio
from collections.abc import Sequence

from handrail.confidence.scorers import verbalised
from handrail.guard.drive import Ask, AsyncAsk
from handrail.guard.learned import Asking
from handrail.guard.outcome import Outcome
from handrail.guard.scope import Scope
from handrail.guard.shell import Shell
from handrail.pipeline import Cutter, Screened, Session
from handrail.records import Draft, Effect, FaultKind, Message


class Call:
    """A call whose input was screened.

    If `outcome` is set the matter is decided and the model must not be asked. Otherwise send `messages`, and
    only those, upstream, then hand everything the model produced to `finish` (or `fail`), once.
    """

    def __init__(self, shell: Shell, session: Session, scope: Scope, screened: Screened) -> None:
        self._shell, self._session, self._scope, self._screened = shell, session, scope, screened
        self._asking = Asking(shell.learned, wants_logprobs=screened.wants_logprobs)
        self.outcome: Outcome | None = None

    def asks(self, model: str, endpoint: str = "") -> None:
        """Say which model will be asked, and where; what it is known not to give is then not asked of it.

        Args:
            model: name of the model, as in the request.
            endpoint: where it is asked; the same name may stand for something else there.
        """
        self._asking.of(model, endpoint)

    def refused_logprobs(self) -> None:
        """Say that the model refused because log-probabilities were asked for; ask it again without."""
        self._asking.refused()

    @property
    def exchange(self) -> str:
        """Id of this exchange."""
        return self._session.evidence.exchange

    @property
    def messages(self) -> tuple[Message, ...]:
        """What may go upstream, with everything withheld that the policy withholds."""
        return self._screened.messages

    @property
    def wants_logprobs(self) -> bool:
        """True when log-probabilities should be asked for: a rule reads confidence and they may be had."""
        return self._asking.wants_logprobs

    @property
    def instruction(self) -> str | None:
        """A self-check to append to the request; its number is stripped from the answer again."""
        return self._screened.instruction

    def finish(self, drafts: Sequence[Draft], *, ask: Ask | None = None, wants_json: bool = False) -> Outcome:
        """Judge what the model produced.

        Args:
            drafts: every choice of the answer.
            ask: how to ask the model again, where the policy checks confidence with more samples.
            wants_json: the caller asked for structured output, so anything else is a fault.
        """
        self._asking.answered(drafts)
        again = None if ask is None else lambda need: ask(self._asking.within(need))
        steps = self._session.judge(drafts, self._screened, wants_json=wants_json)
        judged = self._shell.run(steps, self._shell.unjudged(self._session), again)
        self.outcome = self._shell.conclude_answer(judged, self._scope, self._shell.drawn(judged))
        return self.outcome

    async def afinish(
        self, drafts: Sequence[Draft], *, ask: AsyncAsk | None = None, wants_json: bool = False
    ) -> Outcome:
        """Judge what the model produced, as `finish` does."""
        self._asking.answered(drafts)
        again = None if ask is None else lambda need: ask(self._asking.within(need))
        steps = self._session.judge(drafts, self._screened, wants_json=wants_json)
        judged = await self._shell.arun(steps, self._shell.unjudged(self._session), again)
        drawn = self._shell.drawn(judged)
        if judged.decision.is_released and (drawn is None or drawn.content is None):
            self.outcome = self._shell.conclude_answer(judged, self._scope, drawn)
        else:
            self.outcome = await asyncio.to_thread(self._shell.conclude_answer, judged, self._scope, drawn)
        return self.outcome

    def stream(self) -> Cutter:
        """Start releasing one streamed choice: it tells how many chunks may be shown before `finish`.

        What it let go of is on the ticket if the answer is handed off after all.
        """
        return self._session.cutter()

    def redacted(self, text: str) -> str:
        """One text of the answer as the caller may have it: masked, without a self-check's number."""
        if self.outcome is None:
            return text
        if self.instruction is not None:
            text, _ = verbalised.strip(text)
        return self._session.told(text, self.outcome.decision)

    @property
    def is_rewritten(self) -> bool:
        """True when a released answer differs from what the model wrote."""
        masks = self.outcome is not None and self.outcome.decision.effect is Effect.REDACT
        return masks or self._session.has_pseudonyms

    def fail(self, fault: FaultKind) -> Outcome:
        """Judge a model call that gave no answer; released means that the policy leaves the fault to you."""
        return self.finish([Draft(fault=fault)])

    async def afail(self, fault: FaultKind) -> Outcome:
        """Judge a model call that gave no answer, as `fail` does."""
        return await self.afinish([Draft(fault=fault)])


def begin(shell: Shell, scope: Scope, messages: Sequence[Message], exchange: str) -> Call:
    """Screen the input and return the call."""
    session = shell.session(exchange, scope)
    screened = shell.run(session.screen(messages), shell.unscreened(session))
    call = Call(shell, session, scope, screened)
    call.outcome = shell.conclude_input(screened)
    return call


async def abegin(shell: Shell, scope: Scope, messages: Sequence[Message], exchange: str) -> Call:
    """Screen the input and return the call, awaiting the store."""
    session = shell.session(exchange, scope)
    screened = await shell.arun(session.screen(messages), shell.unscreened(session))
    call = Call(shell, session, scope, screened)
    if not call.messages:
        call.outcome = await asyncio.to_thread(shell.conclude_input, screened)
    return call
