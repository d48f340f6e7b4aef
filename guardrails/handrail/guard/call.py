"""One guarded call: its steps driven, failures turned into *unsure*, its outcome concluded."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from handrail.confidence.cascade import Replies
from handrail.confidence.scorers import verbalised
from handrail.errors import CheckFailed, ConfigError
from handrail.guard.context import Scope
from handrail.guard.learned import Asking, Learned
from handrail.guard.outcome import Concluder, Outcome
from handrail.guard.samples import Auditor, Drawn
from handrail.pipeline import (
    Cutter,
    Engine,
    Gated,
    Judged,
    Need,
    NeedConversation,
    NeedFacts,
    NeedHistory,
    NeedSamples,
    Screened,
    Session,
    Steps,
)
from handrail.pipeline.needs import answered, arun, run
from handrail.records import Draft, Effect, Evidence, FaultKind, Message, Stage
from handrail.tickets.ports import TicketStore

T = TypeVar("T")

Ask = Callable[[NeedSamples], Sequence[Draft]]
AsyncAsk = Callable[[NeedSamples], Awaitable[Sequence[Draft]]]


class FactSource(Protocol):
    """Where a caller's own facts come from. A name it leaves out is unknown."""

    def __call__(self, names: Sequence[str], evidence: Evidence, now: datetime) -> Mapping[str, object]:
        """Return raw values for some of the declared facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What answers a session's needs, apart from the model itself."""

    store: TicketStore
    facts: FactSource | None
    now: Callable[[], datetime]

    def answer(self, need: Need) -> object:
        """Answer a need that the store or the caller's facts can meet."""
        match need:
            case NeedConversation(tenant=tenant, conversation=conversation):
                return self.store.conversation(tenant, conversation)
            case NeedHistory(queries=queries):
                return self.store.totals(queries)
            case NeedFacts(names=names, evidence=evidence):
                return self.facts(names, evidence, self.now()) if self.facts else {}
            case NeedSamples():
                return Replies()


def drive(steps: Steps[T], sources: Sources, ask: Ask | None = None) -> T:
    """Run a session's steps to their result."""

    def answer(need: Need) -> object:
        if isinstance(need, NeedSamples) and ask is not None:
            start = time.monotonic()
            return Replies(drafts=tuple(ask(need)), seconds=time.monotonic() - start)
        return sources.answer(need)

    return run(steps, answer)


async def adrive(steps: Steps[T], sources: Sources, ask: AsyncAsk | None = None) -> T:
    """Run a session's steps to their result; the store and the caller's facts are asked in a thread."""

    async def answer(need: Need) -> object:
        if isinstance(need, NeedSamples) and ask is not None:
            start = time.monotonic()
            return Replies(drafts=tuple(await ask(need)), seconds=time.monotonic() - start)
        return await asyncio.to_thread(answered, need, sources.answer)

    return await arun(steps, answer)


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
