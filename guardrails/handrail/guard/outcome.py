"""What follows from a decision: a line in the log, or a durable ticket and its hand-off."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

from handrail.errors import (
    AlreadyDecided,
    AnswerBlocked,
    HandoffRequired,
    ResultBlocked,
    ResultHandedOff,
    StoreUnavailable,
)
from handrail.guard.context import handed_off
from handrail.guard.samples import DrawnAnswer
from handrail.pipeline.decoded import Scans, with_made_calls
from handrail.policy import Policy
from handrail.policy.runtime.record import without_words
from handrail.records import (
    Confidence,
    Decision,
    Draft,
    Effect,
    Evidence,
    Handoff,
    Reason,
    SignalKind,
    Speaker,
    Stage,
    Trigger,
)
from handrail.text.amounts import total_of_counted
from handrail.text.foreign import is_theirs
from handrail.tickets.masking import mask_of
from handrail.tickets.notices import NoticeFields, render
from handrail.tickets.ports import (
    Attempt,
    ConversationState,
    ConversationStatus,
    DecisionEntry,
    TicketReceipt,
    TicketStore,
)

if TYPE_CHECKING:
    from handrail.tickets.ticket import Ticket


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
        return self.handoff is None and self.decision.effect.is_released

    @property
    def is_blocked(self) -> bool:
        """True when the policy forbids it outright; a hand-off beside it may still have opened a ticket."""
        return self.decision.effect is Effect.BLOCK

    def raise_if_withheld(self) -> None:
        """Raise `AnswerBlocked` or `HandoffRequired` unless the answer is released."""
        is_done = self.decision.stage is Stage.RESULT
        if self.handoff is not None and not self.is_blocked:
            raise (ResultHandedOff if is_done else HandoffRequired)(self.handoff)
        if not self.decision.effect.is_released:
            raise (ResultBlocked if is_done else AnswerBlocked)(self.decision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One decision and what it rests on. `findings` counts by type; `decision.facts` may hold amounts."""

    exchange: str
    tenant: str
    decision: Decision
    handoff: Handoff | None
    confidence: Confidence | None
    findings: Mapping[str, int]
    signals: tuple[SignalKind, ...]
    model: str | None


Observer: TypeAlias = Callable[[Observation], None]


def observation(outcome: Outcome, evidence: Evidence) -> Observation:
    """Return what an observer may know of an outcome; pure."""
    return Observation(
        exchange=outcome.exchange,
        tenant=evidence.context.tenant,
        decision=outcome.decision,
        handoff=outcome.handoff,
        confidence=evidence.confidence,
        findings=Counter(finding.type for finding in evidence.findings),
        signals=tuple(signal.kind for signal in evidence.signals),
        model=evidence.draft.model if evidence.draft else None,
    )


log = logging.getLogger("handrail")


class SpoolPort(Protocol):
    """Where a ticket waits on disk while the store is out of reach."""

    def put(self, ticket: "Ticket") -> None:
        """Write a ticket durably."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecorder:
    """Turns decisions into outcomes; the one place that opens tickets.

    A ticket is durable (in the store, or in the spool) before the caller hears of it.
    """

    policy: Policy
    store: TicketStore
    spool: SpoolPort
    now: Callable[[], datetime]
    scanner: Scans
    observe: Observer | None = None

    @property
    def log_waits(self) -> bool:
        """True when logging a released answer may wait for the store now."""
        return self.policy.log == "durable" or self.store.log_waits

    def released(
        self,
        decision: Decision,
        evidence: Evidence,
        drafts: tuple[Draft, ...],
        drawn: DrawnAnswer | None = None,
    ) -> Outcome:
        """Log a decision that lets the answer through."""
        entry = self.entry(decision, evidence, drawn=drawn)
        (self.store.log_now if self.policy.log == "durable" else self.store.log)(entry)
        return self._observed(Outcome(exchange=evidence.exchange, decision=decision, drafts=drafts), evidence)

    def withheld(self, decision: Decision, evidence: Evidence, drawn: DrawnAnswer | None = None) -> Outcome:
        """Log the decision, and open a ticket if any reason hands off."""
        self._log_withheld(decision, evidence, evidence.exchange, drawn)
        handoff = None
        if any(reason.effect is Effect.HAND_OFF for reason in decision.reasons):
            handoff = self._open(decision, evidence)
        notice = handoff.notice if handoff else self.policy.notices["blocked"]
        outcome = Outcome(exchange=evidence.exchange, decision=decision, handoff=handoff, notice=notice)
        return self._observed(outcome, evidence)

    def joined(self, decision: Decision, evidence: Evidence, status: ConversationStatus) -> Outcome:
        """Add a further trigger to the ticket that this conversation has open already."""
        ticket, role = status.ticket or "", status.role or self.policy.if_unsure
        attempt = Attempt(
            exchange=evidence.exchange,
            at=self.now(),
            text=mask_of(with_made_calls(evidence, self.scanner))(_latest_words(evidence)),
            triggers=_triggers(decision.reasons),
            rules=tuple(reason.rule for reason in decision.reasons),
            note=_asked_in_total(evidence),
        )
        try:
            self.store.join(evidence.context.tenant, ticket, attempt)
        except StoreUnavailable:
            return self.withheld(self.policy.unsure(decision.stage, "store unavailable"), evidence)
        except AlreadyDecided:
            # A person decided between the look and the joining; what came in meanwhile is a new case.
            return self.withheld(self.policy.unsure(decision.stage, "decided meanwhile"), evidence)
        self._log_withheld(decision, evidence, ticket)
        kind = "human" if status.state is ConversationState.HUMAN else "pending"
        notice = self._notice(kind, role=role, due=status.due, ticket=status.reference or ticket)
        handoff = Handoff(
            ticket=ticket,
            role=role,
            triggers=attempt.triggers,
            notice=notice,
            due=status.due,
            joined=True,
        )
        outcome = Outcome(exchange=evidence.exchange, decision=decision, handoff=handoff, notice=notice)
        return self._observed(outcome, evidence)

    def entry(
        self,
        decision: Decision,
        evidence: Evidence,
        *,
        ticket: str | None = None,
        drawn: DrawnAnswer | None = None,
        is_authorised: bool = False,
    ) -> DecisionEntry:
        """Return what the log holds of a decision; nobody's words are in it."""
        context, draft = evidence.context, evidence.draft
        return DecisionEntry(
            decision=loggable(decision, self.policy),
            exchange=evidence.exchange,
            tenant=context.tenant,
            at=self.now(),
            customer=context.customer,
            conversation=context.conversation,
            ticket=ticket,
            confidence=evidence.confidence,
            model=draft.model if draft is not None else None,
            scored=drawn.row if drawn is not None else None,
            cost=evidence.cost,
            adapter=evidence.adapter,
            sources=self.policy.fact_sources,
            is_authorised=is_authorised,
        )

    def authorised(self, decision: Decision, evidence: Evidence, ticket: str) -> None:
        """Log what today's policy says of an action that was given back to be run."""
        entry = self.entry(decision, evidence, ticket=ticket, is_authorised=True)
        self._log(entry, is_now=self.policy.log == "durable")
        self._observed(Outcome(exchange=evidence.exchange, decision=decision), evidence)

    def counted(self, decision: Decision, evidence: Evidence) -> None:
        """Log, durably, a decision that lets a counted action through."""
        self.store.log_now(self.entry(decision, evidence))
        self._observed(Outcome(exchange=evidence.exchange, decision=decision), evidence)

    def _log_withheld(
        self, decision: Decision, evidence: Evidence, ticket: str, drawn: DrawnAnswer | None = None
    ) -> None:
        is_handed_off = any(reason.effect is Effect.HAND_OFF for reason in decision.reasons)
        entry = self.entry(decision, evidence, ticket=ticket if is_handed_off else None, drawn=drawn)
        self._log(entry, is_now=decision.effect is Effect.BLOCK or self.policy.log == "durable")

    def _log(self, entry: DecisionEntry, *, is_now: bool) -> None:
        # No answer is released by it, so a log out of reach must not turn it into an error.
        try:
            (self.store.log_now if is_now else self.store.log)(entry)
        except StoreUnavailable as error:
            log.warning("decision of exchange %s not logged: %s", entry.exchange, error.step)

    def _observed(self, outcome: Outcome, evidence: Evidence) -> Outcome:
        if outcome.handoff is not None:
            handed_off(outcome.handoff)
        if self.observe is not None:
            try:
                self.observe(observation(outcome, evidence))
            except BaseException as error:
                if not is_theirs(error):
                    raise
                # It only looks on: what was decided, and is on record by now, stays decided.
                log.warning("observer failed: %s (exchange %s)", type(error).__name__, outcome.exchange)
        return outcome

    def _open(self, decision: Decision, evidence: Evidence) -> Handoff:
        from handrail.tickets.compose import compose

        policy, now = self.policy, self.now()
        role = decision.role or policy.if_unsure
        ticket = compose(
            with_made_calls(evidence, self.scanner),
            decision,
            notice=policy.notices[_notice_of(policy, decision)],
            now=now,
            id=evidence.exchange,
            policy=policy,
        )
        spooled = False
        try:
            opened = self.store.open(ticket)
        except StoreUnavailable as error:
            self.spool.put(ticket)
            spooled = True
            opened = TicketReceipt(ticket=ticket.id, role=role, due=ticket.decide_by, joined=False)
            log.warning("ticket %s spooled: %s", ticket.id, error.step)
        kind = "pending" if opened.joined else _notice_of(policy, decision)
        return Handoff(
            ticket=opened.ticket,
            role=opened.role,
            triggers=_triggers(decision.reasons),
            notice=self._notice(
                kind, role=opened.role, due=opened.due, ticket=opened.reference or opened.ticket
            ),
            due=opened.due,
            joined=opened.joined,
            spooled=spooled,
            done=evidence.done is not None,
        )

    def _notice(self, kind: str, *, role: str, due: datetime | None, ticket: str) -> str:
        policy = self.policy
        about = NoticeFields(role=role, due=due, ticket=ticket)
        return render(policy.notices[kind], about, zone=policy.time_zone, now=self.now())


def loggable(decision: Decision, policy: Policy) -> Decision:
    """Return a decision with its facts but nobody's words: enough to take it again, and fit for a log."""
    parts = tuple(loggable(part, policy) for part in decision.parts)
    if policy.text_facts.isdisjoint(decision.facts):
        return replace(decision, parts=parts) if parts else decision
    return replace(decision, facts=without_words(decision.facts, policy), parts=parts)


def _notice_of(policy: Policy, decision: Decision) -> str:
    """Name the notice of the most severe rule that asks for one of its own."""
    own = {rule.id: rule.notice for rule in policy.hand_offs if rule.notice is not None}
    asking = [reason for reason in decision.reasons if reason.rule in own]
    first = max(asking, key=lambda reason: reason.severity.rank, default=None)
    return own[first.rule] or "hand_off" if first is not None else "hand_off"


def _triggers(reasons: Iterable[Reason]) -> tuple[Trigger, ...]:
    handing = (reason.trigger for reason in reasons if reason.effect in (Effect.HAND_OFF, Effect.BLOCK))
    return tuple(dict.fromkeys(handing))


def _latest_words(evidence: Evidence) -> str:
    return next((m.text for m in reversed(evidence.messages) if m.speaker is Speaker.USER), "")


def _asked_in_total(evidence: Evidence) -> str:
    total = total_of_counted(_latest_words(evidence))
    return f"asks for {total} in all" if total else ""
