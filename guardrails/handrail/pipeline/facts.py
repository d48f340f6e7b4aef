"""Facts of one exchange: every declared fact that exists at a stage, typed, or unknown with its reason."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from handrail.pipeline.asked import action_came_from, asked_by_user
from handrail.pipeline.found import is_new, is_other, types_in, types_in_new
from handrail.pipeline.hearing import Declared, tools_in, topics_of
from handrail.pipeline.needs import NeedFacts, NeedHistory, Steps
from handrail.pipeline.provenance import came_from, confirmed_after, has_succeeded
from handrail.policy import FactDeclaration, Policy
from handrail.policy.language import sources
from handrail.policy.language.facts import read_all
from handrail.records import (
    NOT_SAID,
    Draft,
    Evidence,
    FactValue,
    Message,
    Money,
    Part,
    Speaker,
    ToolCall,
    Unknown,
    first_new,
)
from handrail.signals.language import UNKNOWN
from handrail.signals.small_talk import is_small_talk
from handrail.text.paths import at
from handrail.text.stated_amounts import AmountStated, largest
from handrail.tickets.ports import LedgerQuery

NO_CUSTOMER = "nobody_named"

UNDECLARED = "undeclared"
"""The kind of a tool that neither the policy lists nor its framework declares."""

UNTRAINED = "language_not_trained"
"""Why a signal is unknown: the message is in a language on which no heads were trained."""

UNGROUNDED = "ungrounded"
"""Type of a finding for something that an answer states and no message supports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactInputs:
    """What facts are read from.

    `is_bare`: the call comes from the program, no model proposed it here. `reserved` is the call's own ledger
    entry, if it has one already. `proposed` are the types found in the arguments of every call of the answer.
    `returned` is what the call returned, as JSON data, and `sums` the amounts of money in it. `tool_kinds`
    says by tool whether it reads or acts, as its framework declares it.
    """

    evidence: Evidence
    now: datetime
    call: ToolCall | None = None
    is_bare: bool = False
    reserved: str = ""
    proposed: frozenset[str] = frozenset()
    returned: object = None
    sums: tuple[AmountStated, ...] = ()
    tool_kinds: Mapping[str, str] = field(default_factory=dict)


Values = dict[str, FactValue]
Totals = dict[LedgerQuery, FactValue]


def gather(
    policy: Policy, declared: Sequence[FactDeclaration], inputs: FactInputs
) -> Steps[tuple[Values, Totals]]:
    """Return the facts in play at a stage, and the ledger totals among them by query.

    A fact that cannot exist here (a finding in the input of a call that no model proposed) is left out; one
    that should exist and cannot be had is `Unknown`.
    """
    reading = _Reading(policy=policy, inputs=inputs)
    raw: dict[str, object] = {}
    currencies: dict[str, object] = {}
    queries: dict[str, LedgerQuery] = {}
    asked: list[str] = []
    for fact in declared:
        name, source = fact.name, fact.source
        if inputs.is_bare and isinstance(source, _OF_A_MODEL_CALL):
            continue
        if inputs.call is not None and not policy.scopes.applies_to(name, inputs.call.name):
            continue
        match source:
            case sources.Caller():
                asked.append(name)
            case sources.Ledger():
                query = reading.query(name, source)
                if isinstance(query, Unknown):
                    raw[name] = query
                else:
                    queries[name] = query
            case sources.Threshold() | sources.OtherThan():
                pass
            case sources.ResultAmounts():
                raw[name] = largest(inputs.sums, fact.currencies)
            case _:
                raw[name] = reading.raw(source)
                if fact.currency_from is not None:
                    currencies[name] = reading.raw(fact.currency_from)
    if asked:
        known = yield NeedFacts(names=tuple(asked), evidence=inputs.evidence)
        raw |= {name: known.get(name) for name in asked}
    values = read_all(declared, raw, currencies)
    values |= _compared(declared, values, inputs)
    totals: Totals = {}
    if queries:
        found = yield NeedHistory(queries=tuple(queries.values()))
        totals = {query: found.get(name, Unknown(why="missing")) for name, query in queries.items()}
        sums = {query.fact: _in_currency(policy, total, query, values) for query, total in totals.items()}
        values |= read_all(declared, sums, {})
    return values, totals


_OF_A_MODEL_CALL = (
    sources.InputFindings
    | sources.OutputFindings
    | sources.SignalSeen
    | sources.InputLanguage
    | sources.InputSmallTalk
    | sources.InputTopics
    | sources.ActionAskedByUser
    | sources.ActionCameFrom
    | sources.ConfidenceValue
    | sources.MeasuredConfidence
    | sources.AnswerKind
    | sources.Ungrounded
    | sources.StatedBy
    | sources.Said
    | sources.FaultSeen
    | sources.Conversation
)
"""Sources that exist only where a model was asked."""


def _compared(declared: Sequence[FactDeclaration], values: Values, inputs: FactInputs) -> Values:
    """Return whether what was found is another than a fact, where something can be found."""
    return {
        fact.name: is_other(
            fact.source,
            values.get(fact.source.of, Unknown(why="missing")),
            inputs.evidence,
            inputs.proposed,
        )
        for fact in declared
        if isinstance(fact.source, sources.OtherThan) and fact.source.found in values
    }


def _in_currency(policy: Policy, total: FactValue, query: LedgerQuery, values: Values) -> FactValue:
    """Give a sum over nothing the currency of what it would be added to."""
    currencies = policy.facts[query.fact].currencies
    if not isinstance(total, Decimal) or not currencies:
        return total
    present = values.get(query.amount)
    return Money(amount=total, currency=present.currency if isinstance(present, Money) else currencies[0])


@dataclass(slots=True, kw_only=True)
class _Reading:
    """Reads raw values out of what a call knows."""

    policy: Policy
    inputs: FactInputs

    def query(self, name: str, source: sources.Ledger) -> LedgerQuery | Unknown:
        context = self.inputs.evidence.context
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
            since=self.inputs.now - source.within,
            without=self.inputs.reserved,
            aliases=context.aliases if source.per == "customer" else (),
        )

    def raw(self, source: sources.Source) -> object:
        evidence, call = self.inputs.evidence, self.inputs.call
        match source:
            case sources.ToolName() | sources.ToolKind() | sources.ToolArgument():
                return self._of_call(source, call) if call else None
            case sources.ToolResult(tool=tool, path=path):
                return at(self._newest_result(tool), path)
            case sources.ContextField(name=name):
                return self._context(name)
            case sources.ToolFindings():
                return types_in(Part.ARGUMENTS, evidence.findings)
            case sources.ResultFindings():
                return types_in(Part.RESULT, evidence.findings)
            case sources.ActionCameFrom():
                return action_came_from(call, evidence.messages) if call else None
            case sources.ActionAskedByUser():
                return asked_by_user(call, evidence.messages) if call else None
            case sources.OutputFindings():
                return types_in(Part.ANSWER, evidence.findings) | self.inputs.proposed
            case sources.Provenance(of=of):
                return self._provenance(of)
            case sources.Clock(field=unit):
                return self._clock(unit)
            case _:
                return self._of_exchange(source)

    def _of_call(
        self, source: sources.ToolName | sources.ToolKind | sources.ToolArgument, call: ToolCall
    ) -> object:
        match source:
            case sources.ToolName():
                return call.name
            case sources.ToolKind():
                declared = self.inputs.tool_kinds.get(call.name, UNDECLARED)
                return self.policy.tools.get(call.name, declared)
            case sources.ToolArgument():
                path = source.path_in(call.name)
                return None if path is None else at(_parsed(call.arguments), path)

    def _of_words(self, source: sources.Source) -> object:
        evidence = self.inputs.evidence
        match source:
            case sources.SignalSeen(kind=kind):
                if any(signal.kind is kind for signal in evidence.signals):
                    return True
                return Unknown(why=UNTRAINED) if evidence.language == UNKNOWN else False
            case sources.InputLanguage():
                return evidence.language
            case sources.InputSmallTalk():
                new = _new_words(evidence.messages)
                return bool(new) and all(is_small_talk(text) for text in new)
            case sources.InputTopics():
                return self._topics()
        return None

    def _of_exchange(self, source: sources.Source) -> object:
        evidence = self.inputs.evidence
        match source:
            case sources.InputFindings():
                return types_in_new(evidence.messages, evidence.findings)
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
            case sources.StatedBy(fact=fact):
                return evidence.stated.get(fact)
            case sources.ConfidenceMin() | sources.ConfidenceOf() | sources.ConfidenceMissing():
                return evidence.stated.get(sources.written(source))
            case sources.Said(of=of):
                return evidence.stated.get(of) != Unknown(why=NOT_SAID)
            case sources.Conversation(after=after):
                if after == "user_yes":
                    return confirmed_after(evidence.messages)
                return has_succeeded(evidence.messages, after.removeprefix("tool."))
        return self._of_words(source)

    def _newest_result(self, tool: str) -> object:
        call, returned = self.inputs.call, self.inputs.returned
        if returned is not None and call is not None and call.name == tool:
            return _parsed(returned) if isinstance(returned, str) else returned
        return _newest_result(self.inputs.evidence.messages, tool)

    def _topics(self) -> frozenset[str]:
        evidence = self.inputs.evidence
        declared = Declared(
            by_topic=self.policy.signals,
            tools=tools_in(evidence.messages, self.inputs.call),
            facts=evidence.context.facts,
        )
        new = first_new(evidence.messages)
        findings = [one for one in evidence.findings if is_new(one, evidence.messages, new)]
        return topics_of(declared, findings)

    def _context(self, name: str) -> object:
        context = self.inputs.evidence.context
        own = {"tenant": context.tenant, "customer": context.customer, "conversation": context.conversation}
        return own[name] if name in own else context.facts.get(name)

    def _provenance(self, of: str) -> object:
        source = self.policy.facts[of].source if of in self.policy.facts else None
        raw = self.raw(source) if source is not None else None
        return None if raw is None else came_from(raw, self.inputs.evidence.messages)

    def _clock(self, unit: str) -> object:
        local = self.inputs.now.astimezone(ZoneInfo(self.policy.time_zone))
        return local.time().replace(tzinfo=None) if unit == "time" else f"{local:%A}".lower()


def _kind(draft: Draft | None) -> str | None:
    if draft is None:
        return None
    has_text, has_calls = bool(draft.text.strip() or draft.refusal), bool(draft.tool_calls)
    if has_text and has_calls:
        return "both"
    return "text" if has_text else "tool_calls" if has_calls else "empty"


def _new_words(messages: Sequence[Message]) -> list[str]:
    """Return what the person has said since the assistant's last message."""
    new = messages[first_new(messages) :]
    return [message.text for message in new if message.speaker is Speaker.USER]


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
