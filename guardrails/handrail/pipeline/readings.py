"""Raw values of facts, read out of what a call knows."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from handrail.pipeline.asked import action_came_from, asked_by_user
from handrail.pipeline.found import is_new, types_in, types_in_new
from handrail.pipeline.hearing import Declared, tools_in, topics_of
from handrail.pipeline.provenance import came_from, confirmed_after, has_succeeded
from handrail.policy import Policy
from handrail.policy.language import sources
from handrail.records import (
    NOT_SAID,
    Draft,
    Evidence,
    Message,
    Part,
    Speaker,
    ToolCall,
    Unknown,
    first_new,
)
from handrail.signals.language import UNKNOWN
from handrail.signals.small_talk import is_small_talk
from handrail.text.paths import at
from handrail.text.stated_amounts import AmountStated
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


@dataclass(slots=True, kw_only=True)
class Reading:
    """Reads raw values out of what a call knows."""

    policy: Policy
    inputs: FactInputs

    def query(self, name: str, source: sources.Ledger) -> LedgerQuery | Unknown:
        """Return the question to the ledger that a fact is, unknown where nobody is named."""
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
        """Return what a source says, as it came; None where nothing does."""
        read = READERS.get(type(source))
        return None if read is None else read(self, source)

    def tool_kind(self, call: ToolCall) -> str:
        """Return whether a tool reads or acts: as the policy says, else as its framework declares it."""
        return self.policy.tools.get(call.name, self.inputs.tool_kinds.get(call.name, UNDECLARED))

    def argument(self, source: sources.ToolArgument, call: ToolCall) -> object:
        """Return what stands in a call's arguments, None in a call of another tool."""
        path = source.path_in(call.name)
        return None if path is None else at(_parsed(call.arguments), path)

    def signal(self, source: sources.SignalSeen) -> object:
        """Tell whether a signal was heard; unknown in a language that nobody trained it on."""
        evidence = self.inputs.evidence
        if any(signal.kind is source.kind for signal in evidence.signals):
            return True
        return Unknown(why=UNTRAINED) if evidence.language == UNKNOWN else False

    def small_talk(self) -> bool:
        """Tell whether all that the person has said since the last answer is small talk."""
        new = _new_words(self.inputs.evidence.messages)
        return bool(new) and all(is_small_talk(text) for text in new)

    def confidence(self) -> float | None:
        """Return how sure the model is, None if nothing measured it."""
        confidence = self.inputs.evidence.confidence
        value = confidence.value if confidence else None
        return None if value is None else float(value)

    def ungrounded(self) -> int | None:
        """Count what an answer states and no message supports."""
        evidence = self.inputs.evidence
        found = (one for one in evidence.findings if one.type == UNGROUNDED)
        return None if evidence.draft is None else sum(1 for _ in found)

    def fault(self) -> str:
        """Return the kind of fault, `none` for an answer without."""
        draft = self.inputs.evidence.draft
        return draft.fault.value if draft and draft.fault else "none"

    def conversation(self, after: str) -> object:
        """Tell whether the person has agreed, or a tool has succeeded, in this conversation."""
        messages = self.inputs.evidence.messages
        if after == "user_yes":
            return confirmed_after(messages)
        return has_succeeded(messages, after.removeprefix("tool."))

    def newest_result(self, tool: str) -> object:
        call, returned = self.inputs.call, self.inputs.returned
        if returned is not None and call is not None and call.name == tool:
            return _parsed(returned) if isinstance(returned, str) else returned
        return _newest_result(self.inputs.evidence.messages, tool)

    def topics(self) -> frozenset[str]:
        evidence = self.inputs.evidence
        declared = Declared(
            by_topic=self.policy.signals,
            tools=tools_in(evidence.messages, self.inputs.call),
            facts=evidence.context.facts,
        )
        new = first_new(evidence.messages)
        findings = [one for one in evidence.findings if is_new(one, evidence.messages, new)]
        return topics_of(declared, findings)

    def context(self, name: str) -> object:
        context = self.inputs.evidence.context
        own = {"tenant": context.tenant, "customer": context.customer, "conversation": context.conversation}
        return own[name] if name in own else context.facts.get(name)

    def provenance(self, of: str) -> object:
        source = self.policy.facts[of].source if of in self.policy.facts else None
        raw = self.raw(source) if source is not None else None
        return None if raw is None else came_from(raw, self.inputs.evidence.messages)

    def clock(self, unit: str) -> object:
        local = self.inputs.now.astimezone(ZoneInfo(self.policy.time_zone))
        return local.time().replace(tzinfo=None) if unit == "time" else f"{local:%A}".lower()


def _of_call(read: Callable[[Reading, Any, ToolCall], object]) -> Callable[[Reading, Any], object]:
    """Read a source of a tool call, None where there is no call."""
    return lambda r, source: read(r, source, r.inputs.call) if r.inputs.call else None


def _measured(reading: Reading, source: sources.MeasuredConfidence) -> object:
    return reading.inputs.evidence.stated.get(sources.written(source))


# By the class of a source: some are read for every answer, and a long match asks each class in turn.
READERS: Mapping[type, Callable[[Reading, Any], object]] = {
    sources.ToolName: _of_call(lambda r, source, call: call.name),
    sources.ToolKind: _of_call(lambda r, source, call: r.tool_kind(call)),
    sources.ToolArgument: _of_call(lambda r, source, call: r.argument(source, call)),
    sources.ToolResult: lambda r, source: at(r.newest_result(source.tool), source.path),
    sources.ContextField: lambda r, source: r.context(source.name),
    sources.ToolFindings: lambda r, source: types_in(Part.ARGUMENTS, r.inputs.evidence.findings),
    sources.ResultFindings: lambda r, source: types_in(Part.RESULT, r.inputs.evidence.findings),
    sources.OutputFindings: lambda r, source: (
        types_in(Part.ANSWER, r.inputs.evidence.findings) | r.inputs.proposed
    ),
    sources.InputFindings: lambda r, source: types_in_new(
        r.inputs.evidence.messages, r.inputs.evidence.findings
    ),
    sources.ActionCameFrom: _of_call(
        lambda r, source, call: action_came_from(call, r.inputs.evidence.messages)
    ),
    sources.ActionAskedByUser: _of_call(
        lambda r, source, call: asked_by_user(call, r.inputs.evidence.messages)
    ),
    sources.Provenance: lambda r, source: r.provenance(source.of),
    sources.Clock: lambda r, source: r.clock(source.field),
    sources.ConfidenceValue: lambda r, source: r.confidence(),
    sources.ConfidenceMin: _measured,
    sources.ConfidenceOf: _measured,
    sources.ConfidenceMissing: _measured,
    sources.AnswerKind: lambda r, source: _kind(r.inputs.evidence.draft),
    sources.Ungrounded: lambda r, source: r.ungrounded(),
    sources.FaultSeen: lambda r, source: r.fault(),
    sources.StatedBy: lambda r, source: r.inputs.evidence.stated.get(source.fact),
    sources.Said: lambda r, source: r.inputs.evidence.stated.get(source.of) != Unknown(why=NOT_SAID),
    sources.Conversation: lambda r, source: r.conversation(source.after),
    sources.SignalSeen: lambda r, source: r.signal(source),
    sources.InputLanguage: lambda r, source: r.inputs.evidence.language,
    sources.InputSmallTalk: lambda r, source: r.small_talk(),
    sources.InputTopics: lambda r, source: r.topics(),
}


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
