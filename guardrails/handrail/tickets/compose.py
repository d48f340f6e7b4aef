"""Makes a ticket from what was seen and decided: no model, no clock, no input or output."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from handrail.records import (
    NOT_SAID,
    Decision,
    Effect,
    Evidence,
    Finding,
    Reason,
    Speaker,
    Trigger,
    Unknown,
)
from handrail.tickets.calendar import WorkingRole, calendar_of
from handrail.tickets.fact_record import FactRecord
from handrail.tickets.masking import found_beside, mask_of, pieces_of, value_of
from handrail.tickets.notices import NoticeFields, render
from handrail.tickets.proposed import MOST_PARTS, action_of, digest_of, parts_of
from handrail.tickets.reference import reference_of
from handrail.tickets.routing import Deadlines, RolePlan, chain, deadlines, safe_default
from handrail.tickets.ticket import (
    SUMMARY_LIMIT,
    ConfidenceRecord,
    FindingRecord,
    PolicyRecord,
    Promise,
    ProposedPart,
    RouteStep,
    Sealed,
    Summary,
    Ticket,
    ToolCallRecord,
    Verdict,
)
from handrail.tickets.transcript import (
    LONGEST_RESULT,
    excerpt,
    last_reply,
    latest_request,
    masked_calls,
    masked_lines,
    promises,
    tool_calls,
)

_WHY = {
    Trigger.LOW_CONFIDENCE: "The assistant is not sure of its answer",
    Trigger.HIGH_STAKES: "More is at stake than the assistant may decide",
    Trigger.SENSITIVE_DATA: "Sensitive data is involved",
    Trigger.POLICY_CONFLICT: "Two rules say different things",
    Trigger.COMPLAINT: "The customer complains or disputes an answer",
    Trigger.ASKS_FOR_HUMAN: "The customer asks for a person",
    Trigger.NEVER_AI: "The policy keeps this for people",
    Trigger.FAULT: "The model gave no usable answer",
    Trigger.UNSURE: "A check could not be made",
}
_SHARES = {"situation": 360, "background": 300, "assessment": 340, "request": 200}
assert sum(_SHARES.values()) <= SUMMARY_LIMIT


def summarise(ticket: Ticket) -> Summary:
    """Write the summary of a ticket from its (masked) parts; pure, at most 1200 characters in all."""
    parts = {
        "situation": _situation(ticket),
        "background": _background(ticket),
        "assessment": _assessment(ticket),
        "request": _request(ticket),
    }
    return Summary(**{name: shortened(text, _SHARES[name]) for name, text in parts.items()})


def shortened(text: str, limit: int) -> str:
    """Cut a text to a number of characters, with an ellipsis where something is left out."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _situation(ticket: Ticket) -> str:
    wanted = shortened(ticket.wanted, 200)
    said = f" The customer wrote: “{wanted}”" if wanted else ""
    done = f" {ticket.tried[-1].tool} was carried out; its result is withheld." if ticket.done else ""
    return f"{_WHY[ticket.trigger]} ({ticket.reason_code}).{done}{said}"


def _background(ticket: Ticket) -> str:
    tools = ", ".join(dict.fromkeys(call.tool for call in ticket.tried)) or "nothing"
    told = (
        f" Promised: “{shortened(ticket.promised[-1], 120)}”" if ticket.promised else " Nothing was promised."
    )
    return f"{len(ticket.lines)} messages so far; tried: {tools}.{told}"


def _assessment(ticket: Ticket) -> str:
    cited = [rule.because or rule.rule for rule in ticket.policy.rules if rule.effect != "pass"]
    because = " ".join(_sentence(text) for text in cited)
    money = [
        f"{name} {fact.text()}"
        for name, fact in ticket.facts.items()
        if fact.kind in ("money", "unknown") and fact.value != NOT_SAID
    ]
    sure = ""
    if ticket.confidence is not None and ticket.confidence.score is not None:
        sure = f" Confidence {ticket.confidence.score:.2f} by {ticket.confidence.method}."
    found = ", ".join(dict.fromkeys(span.kind for span in ticket.evidence))
    facts = f" Facts: {', '.join(money)}." if money else ""
    words = dict.fromkeys(shortened(span.quote, 120) for span in ticket.evidence if span.is_quoted)
    question = f" In question: {', '.join(f'“{quote}”' for quote in words)}." if words else ""
    return (f"{because}{question}{facts}{sure}" + (f" Found: {found}." if found else "")).strip()


def _sentence(text: str) -> str:
    """Return a text with the mark that ends it; what ends in one, also before a quote, stays."""
    text = text.strip()
    return text if text.rstrip("”\"')").endswith((".", "!", "?", "…")) else f"{text}."


def _request(ticket: Ticket) -> str:
    due = f" by {ticket.decide_by:%Y-%m-%d %H:%M %Z}".rstrip() if ticket.decide_by else ""
    if ticket.action is not None:
        what = f"Approve, edit or reject {', '.join([ticket.action.tool, *_tools(ticket.parts)])}"
    elif ticket.done:
        what = "Release or correct the result"
    elif ticket.draft_answer:
        what = "Approve or correct the draft answer"
    else:
        what = "Answer the customer"
    also = f" {', '.join(ticket.co_approvers)} must agree too." if ticket.co_approvers else ""
    return f"{what}{due}.{also}"


class Role(RolePlan, WorkingRole, Protocol):
    """What a ticket needs to know of a role: its time to decide, who comes next, and when it is there."""


class Plan(Protocol):
    """What a ticket needs to know of the policy."""

    @property
    def if_unsure(self) -> str:
        """The role for what nothing else claims."""

    @property
    def roles(self) -> Mapping[str, Role]:
        """Plan by role name."""

    @property
    def time_zone(self) -> str:
        """Where opening hours and notices tell the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """Where a ticket goes first: its leading reason, owner role, the roles after it, and its deadlines."""

    reason: Reason
    role: str
    chain: tuple[str, ...]
    others: tuple[str, ...]
    deadlines: Deadlines

    @property
    def due(self) -> datetime | None:
        """When the time to decide is over."""
        return self.deadlines.decide_by


def compose(
    evidence: Evidence,
    decision: Decision,
    *,
    notice: str,
    now: datetime,
    id: str,  # noqa: A002 - the word for it everywhere else
    policy: Plan,
) -> Ticket:
    """Make the ticket of a decision that hands off; pure.

    Args:
        evidence: what was seen.
        decision: what the policy says about it.
        notice: what the person is told; may hold `{role}`, `{due}` and `{ticket}`.
        now: when it was decided, with time zone.
        id: id of the new ticket.
        policy: gives deadlines and the chain of each role.
    """
    mask, route, sealed = mask_of(evidence), _route(decision, policy, now), _sealed(evidence)
    beside = tuple(mask(name) for name in _beside(evidence))
    parts, found = parts_of(evidence, decision, mask), _found(evidence)
    draft = Ticket(
        id=id,
        tenant=evidence.context.tenant,
        dedupe_key=_dedupe_key(evidence, decision),
        exchange=evidence.exchange,
        trigger=route.reason.trigger,
        triggers=_triggers(decision) or (route.reason.trigger,),
        reason_code=route.reason.rule,
        severity=route.reason.severity,
        created_at=now,
        **_routed(route, now, beside, parts),
        tried=masked_calls(sealed.tried, mask),
        promised=promises(evidence, mask),
        said=last_reply(evidence, mask),
        open_questions=_open_questions(evidence, decision),
        evidence=tuple(
            FindingRecord.of(finding, n, words=mask(value)) for n, (finding, value) in enumerate(found)
        ),
        signals=tuple(dict.fromkeys(str(signal.kind) for signal in evidence.signals)),
        draft_answer=mask(sealed.draft_answer),
        shown=mask(evidence.shown),
        action=action_of(evidence, decision, mask),
        beside=beside,
        parts=parts,
        done=evidence.done is not None,
        confidence=ConfidenceRecord.of(evidence.confidence) if evidence.confidence else None,
        policy=PolicyRecord.of(decision),
        facts={name: FactRecord.of(value).masked(mask) for name, value in decision.facts.items()},
        lines=masked_lines(sealed.lines, mask),
        wanted=latest_request(evidence, mask),
        mask={f"[{finding.type}]": finding.category for finding, _ in found},
        allowed=_allowed(evidence, sealed),
        excluded=tuple(name for name in evidence.context.customer_names if name),
        promise=_promise(notice, route, policy, said=reference_of(evidence.context.tenant, id), now=now),
        sealed=sealed,
    )
    return draft.model_copy(update={"summary": summarise(draft)})


def _routed(
    route: _Route, now: datetime, beside: tuple[str, ...], parts: tuple[ProposedPart, ...]
) -> dict[str, Any]:
    """Return the fields of a ticket that say who decides it, and until when."""
    return {
        "role": route.role,
        "co_approvers": route.others,
        "approvals_needed": 1 + len(route.others),
        "chain": route.chain,
        "route": (RouteStep(role=route.role, why=route.reason.rule, at=now),),
        "start_by": route.deadlines.start_by,
        "warn_at": route.deadlines.warn_at,
        "decide_by": route.due,
        "on_expiry": safe_default(route.reason.trigger).action,
        "contingency": _contingency(route, beside, parts),
    }


def _promise(notice: str, route: _Route, policy: Plan, *, said: str, now: datetime) -> Promise:
    about = NoticeFields(role=route.role, due=route.due, ticket=said)
    return Promise(text=render(notice, about, zone=policy.time_zone, now=now), by=route.due)


def _route(decision: Decision, policy: Plan, now: datetime) -> _Route:
    reasons = [reason for reason in decision.reasons if reason.effect is Effect.HAND_OFF] or decision.reasons
    unsure = Reason(rule="unsure", effect=Effect.HAND_OFF, trigger=Trigger.UNSURE)
    reason = max(reasons, key=lambda reason: reason.severity.rank, default=unsure)
    role = decision.role or reason.role or policy.if_unsure
    plan = policy.roles.get(role)
    return _Route(
        reason=reason,
        role=role,
        chain=chain(role, policy.roles),
        others=tuple(other for other in decision.co_approvers if other != role),
        deadlines=deadlines(plan, reason.severity, now, calendar_of(role, plan, zone=policy.time_zone)),
    )


def _triggers(decision: Decision) -> tuple[Trigger, ...]:
    handing = [reason for reason in decision.reasons if reason.effect is Effect.HAND_OFF]
    return tuple(dict.fromkeys(reason.trigger for reason in handing or decision.reasons))


def _sealed(evidence: Evidence) -> Sealed:
    return Sealed(
        customer=evidence.context.customer,
        conversation=evidence.context.conversation,
        arguments=evidence.call.arguments if evidence.call else "",
        draft_answer=evidence.draft.answer if evidence.draft else "",
        shown=evidence.shown,
        lines=excerpt(evidence),
        tried=(*tool_calls(evidence), *_carried_out(evidence)),
        values=tuple(value for _, value in _found(evidence)),
        pieces=tuple(pieces_of(evidence, finding) for finding in evidence.findings),
        parts=tuple(one.call.arguments for one in evidence.beside[:MOST_PARTS]),
    )


def _found(evidence: Evidence) -> tuple[tuple[Finding, str], ...]:
    """Return everything that was found with its text: in the exchange, then in other calls, new and made."""
    own = ((finding, value_of(evidence, finding)) for finding in evidence.findings)
    return (*own, *found_beside(evidence), *evidence.told)


def _carried_out(evidence: Evidence) -> tuple[ToolCallRecord, ...]:
    """Return the call whose result is in question: it is done."""
    if evidence.done is None:
        return ()
    result = evidence.draft.text if evidence.draft else ""
    call = evidence.done
    return (ToolCallRecord(tool=call.name, arguments=call.arguments, result=result[:LONGEST_RESULT]),)


def _beside(evidence: Evidence) -> tuple[str, ...]:
    """Return the tools of the calls that were proposed in one turn with the action, in their order."""
    if evidence.call is None or evidence.draft is None:
        return ()
    others = list(evidence.draft.tool_calls)
    if evidence.call in others:
        others.remove(evidence.call)
    return tuple(call.name for call in others)


def _allowed(evidence: Evidence, sealed: Sealed) -> tuple[Verdict, ...]:
    """Return what a person may decide: where nothing is proposed, nothing can be approved or edited."""
    if evidence.call is None and evidence.done is None and not sealed.draft_answer.strip():
        return (Verdict.REJECT, Verdict.ANSWER)
    return tuple(Verdict)


def _open_questions(evidence: Evidence, decision: Decision) -> tuple[str, ...]:
    asked = dict.fromkeys(name for reason in decision.reasons for name in reason.unknown)
    unknown = {
        name: value.why
        for name, value in decision.facts.items()
        if isinstance(value, Unknown) and value.why != NOT_SAID
    }
    questions = [
        f"What is {name}? Unknown: {unknown[name]}." if name in unknown else f"What is {name}? Not known."
        for name in (*asked, *(name for name in unknown if name not in asked))
    ]
    if evidence.confidence is not None and evidence.confidence.value is None:
        questions.append("Is the draft answer right? Its confidence could not be measured.")
    if evidence.draft is not None and evidence.draft.fault is not None:
        questions.append(f"The model gave no usable answer ({evidence.draft.fault}).")
    return tuple(questions) or ("Nothing that a rule asked for is unknown.",)


def _tools(parts: tuple[ProposedPart, ...]) -> list[str]:
    return [part.action.tool for part in parts]


def _contingency(route: _Route, beside: tuple[str, ...], parts: tuple[ProposedPart, ...]) -> tuple[str, ...]:
    steps = [f"If {route.role} does not decide in time, it goes to {role}." for role in route.chain[:1]]
    left = list(beside)
    for tool in _tools(parts):
        if tool in left:
            left.remove(tool)
    if parts:
        tools = ", ".join(_tools(parts))
        steps.append(f"What was proposed with it runs only where it is approved too: {tools}.")
    if left:
        steps.append(f"Whatever is decided, what was proposed with it does not run: {', '.join(left)}.")
    default = safe_default(route.reason.trigger).action
    return (*steps, f"If nobody decides, the safe default is {default}, never approval.")


def _dedupe_key(evidence: Evidence, decision: Decision) -> str:
    """The same request of the same person on the same day is one case; without a person each is its own."""
    context = evidence.context
    whose = context.conversation or context.customer
    if whose is None:
        return hashlib.sha256(f"exchange|{evidence.exchange}".encode()).hexdigest()
    newest = [m.text for m in evidence.messages if m.speaker is Speaker.USER][-1:]
    parts = [
        context.conversation or "",
        context.customer or "",
        digest_of(evidence, decision) or (evidence.call.arguments if evidence.call else ""),
        *(["done"] if evidence.done else []),
        *newest,
        *sorted(reason.rule for reason in decision.reasons),
    ]
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
