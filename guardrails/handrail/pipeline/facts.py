"""Facts of one exchange: every declared fact that exists at a stage, typed, or unknown with its reason."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from handrail.pipeline.grounding import UNGROUNDED
from handrail.pipeline.needs import NeedFacts, NeedHistory, Steps
from handrail.pipeline.provenance import came_from, confirmed_after
from handrail.pipeline.withhold import newest
from handrail.policy import FactDeclaration, Policy
from handrail.policy.language import sources
from handrail.records import (
    Draft,
    Evidence,
    FactValue,
    Finding,
    Message,
    Money,
    Part,
    Speaker,
    Stage,
    ToolCall,
    Unknown,
)
from handrail.tickets.ports import LedgerQuery

NO_CUSTOMER = "nobody_named"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What facts are read from.

    `is_bare`: the call comes from the program, no model proposed it here. `reserved` is the call's own ledger
    entry, if it has one already. `proposed` are the types found in the arguments of every call of the answer.
    """

    evidence: Evidence
    now: datetime
    call: ToolCall | None = None
    is_bare: bool = False
    reserved: str = ""
    proposed: frozenset[str] = frozenset()


Values = dict[str, FactValue]
Totals = dict[LedgerQuery, FactValue]


def declared_at(policy: Policy) -> Mapping[Stage, tuple[FactDeclaration, ...]]:
    """Return which facts are worth reading at each stage."""
    by_stage = {stage: policy.facts_at(stage) for stage in Stage}
    return {
        stage: tuple(fact for name, fact in policy.facts.items() if name in names)
        for stage, names in by_stage.items()
    }


def gather(policy: Policy, declared: Sequence[FactDeclaration], seen: Seen) -> Steps[tuple[Values, Totals]]:
    """Return the facts in play at a stage, and the ledger totals among them by query.

    A fact that cannot exist here (a finding in the input of a call that no model proposed) is left out; one
    that should exist and cannot be had is `Unknown`.
    """
    reading = _Reading(policy=policy, seen=seen)
    queries: dict[str, LedgerQuery] = {}
    asked: list[str] = []
    for declaration in declared:
        name, source = declaration.name, declaration.source
        if seen.is_bare and _needs_exchange(source):
            continue
        match source:
            case sources.Caller():
                asked.append(name)
            case sources.Ledger():
                query = reading.query(name, source)
                if isinstance(query, Unknown):
                    reading.values[name] = query
                else:
                    queries[name] = query
            case sources.Threshold():
                pass
            case _:
                reading.values[name] = reading.read(declaration)
    if asked:
        known = yield NeedFacts(names=tuple(asked), evidence=seen.evidence)
        for name in asked:
            reading.values[name] = policy.facts[name].read(known.get(name))
    totals: Totals = {}
    if queries:
        found = yield NeedHistory(queries=tuple(queries.values()))
        for name, query in queries.items():
            totals[query] = found.get(name, Unknown(why="missing"))
            reading.values[name] = policy.facts[name].read(reading.in_currency(totals[query], query))
    return reading.values, totals


def _needs_exchange(source: sources.Source) -> bool:
    return isinstance(
        source,
        sources.InputFindings
        | sources.OutputFindings
        | sources.SignalSeen
        | sources.ConfidenceValue
        | sources.AnswerKind
        | sources.Ungrounded
        | sources.FaultSeen
        | sources.Conversation,
    )


@dataclass(slots=True, kw_only=True)
class _Reading:
    policy: Policy
    seen: Seen
    values: Values = field(default_factory=dict)

    def query(self, name: str, source: sources.Ledger) -> LedgerQuery | Unknown:
        context = self.seen.evidence.context
        keys = {"customer": context.customer, "conversation": context.conversation, "tenant": context.tenant}
        key = keys[source.per]
        if key is None:
            return Unknown(why=NO_CUSTOMER)
        return LedgerQuery(
            fact=name,
            kind=source.kind,
            tenant=context.tenant,
            tool=source.tool,
            amount=source.amount,
            per=source.per,
            key=key,
            since=self.seen.now - source.within,
            without=self.seen.reserved,
        )

    def in_currency(self, total: FactValue, query: LedgerQuery) -> FactValue:
        """Give a sum over nothing the currency of what it would be added to."""
        declaration = self.policy.facts[query.fact]
        if not isinstance(total, Decimal) or not declaration.currencies:
            return total
        present = self.values.get(query.amount)
        currency = present.currency if isinstance(present, Money) else declaration.currencies[0]
        return Money(amount=total, currency=currency)

    def read(self, declaration: FactDeclaration) -> FactValue:
        raw = self._raw(declaration.source)
        if declaration.currency_from is None:
            return declaration.read(raw)
        return declaration.read(raw, currency=self._raw(declaration.currency_from))

    def _raw(self, source: sources.Source) -> object:
        evidence, call = self.seen.evidence, self.seen.call
        match source:
            case sources.ToolName():
                return call.name if call else None
            case sources.ToolArgument(path=path):
                return _at(_parsed(call.arguments), path) if call else None
            case sources.ToolResult(tool=tool, path=path):
                return _at(_newest_result(evidence.messages, tool), path)
            case sources.ContextField(name=name):
                return self._context(name)
            case sources.ToolFindings():
                return types_in(Part.ARGUMENTS, evidence.findings)
            case sources.OutputFindings():
                return types_in(Part.ANSWER, evidence.findings) | self.seen.proposed
            case sources.Provenance(of=of):
                return self._provenance(of)
            case sources.Clock(field=unit):
                return self._clock(unit)
            case _:
                return self._of_exchange(source)

    def _of_exchange(self, source: sources.Source) -> object:
        evidence = self.seen.evidence
        match source:
            case sources.InputFindings():
                return _types_in_new(evidence.messages, evidence.findings)
            case sources.SignalSeen(kind=kind):
                return any(signal.kind is kind for signal in evidence.signals)
            case sources.ConfidenceValue():
                value = evidence.confidence.value if evidence.confidence else None
                return None if value is None else float(value)
            case sources.AnswerKind():
                return _kind(evidence.draft)
            case sources.Ungrounded():
                found = (one for one in evidence.findings if one.type == UNGROUNDED)
                return None if evidence.draft is None else sum(1 for _ in found)
            case sources.FaultSeen():
                fault = evidence.draft.fault if evidence.draft else None
                return fault.value if fault else "none"
            case sources.Conversation(after=after):
                if after == "user_yes":
                    return confirmed_after(evidence.messages)
                return _newest_result(evidence.messages, after.removeprefix("tool.")) is not None
        return None

    def _context(self, name: str) -> object:
        context = self.seen.evidence.context
        own = {"tenant": context.tenant, "customer": context.customer, "conversation": context.conversation}
        return own[name] if name in own else context.facts.get(name)

    def _provenance(self, of: str) -> object:
        source = self.policy.facts[of].source if of in self.policy.facts else None
        raw = self._raw(source) if source is not None else None
        return None if raw is None else came_from(raw, self.seen.evidence.messages)

    def _clock(self, unit: str) -> object:
        local = self.seen.now.astimezone(ZoneInfo(self.policy.time_zone))
        return local.time().replace(tzinfo=None) if unit == "time" else f"{local:%A}".lower()


def _kind(draft: Draft | None) -> str | None:
    if draft is None:
        return None
    has_text, has_calls = bool(draft.text.strip() or draft.refusal), bool(draft.tool_calls)
    if has_text and has_calls:
        return "both"
    return "text" if has_text else "tool_calls" if has_calls else "empty"


def types_in(part: Part, findings: Iterable[Finding]) -> frozenset[str]:
    """Types and categories of what was found in one part of an exchange."""
    return frozenset(
        name
        for found in findings
        if found.place is not None and found.place.part is part
        for name in _names(found)
    )


def _names(finding: Finding) -> tuple[str, str]:
    return finding.type, finding.category


def _types_in_new(messages: Sequence[Message], findings: Iterable[Finding]) -> frozenset[str]:
    first_new = newest(messages)
    return types_in(
        Part.MESSAGE,
        (
            found
            for found in findings
            if found.place is not None
            and found.place.part is Part.MESSAGE
            and found.place.index >= first_new
            and messages[found.place.index].speaker is not Speaker.SYSTEM
        ),
    )


def _newest_result(messages: Sequence[Message], tool: str) -> object:
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    for message in reversed(messages):
        if message.speaker is not Speaker.TOOL:
            continue
        if tool in (message.name, names.get(message.tool_call_id or "")):
            return _parsed(message.text)
    return None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=_Number)
    except (ValueError, RecursionError):
        return text


class _Number(str):
    """A JSON number as it was written, so that `499.999` and `1e3` are judged as such."""

    __slots__ = ()


def _at(value: Any, path: Sequence[str]) -> object:
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
