"""What the policy keeps from the model and from the caller: masked spans, or a whole message left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from handrail.pipeline.decoded import Scans, fixed_in, hide_decoded, scan_decoded
from handrail.pipeline.pieces import Hide, masked_units
from handrail.policy.runtime.withheld import EVERYTHING
from handrail.records import (
    Decision,
    Draft,
    Effect,
    Finding,
    Message,
    Part,
    Run,
    Span,
    Speaker,
    ToolCall,
    first_new,
)
from handrail.scan import redact
from handrail.scan.spec import TOPICS
from handrail.scan.vault import Vault
from handrail.text.json_data import json_tokens

WriteParts: TypeAlias = Callable[[str, Sequence[Span], Sequence[Run]], list[str]]
"""Writes some parts of one text as the caller may have them, judged as the whole that they are of."""


def redacted_types(decision: Decision, read: frozenset[str]) -> frozenset[str]:
    """Types and categories that a decision masks where the facts in `read` come from.

    Only rules that read one of these facts count: a rule on what goes in masks nothing in the answer. A rule
    that names no type masks whatever was found.
    """
    masking = [
        reason
        for reason in decision.reasons
        if reason.effect is Effect.REDACT and not read.isdisjoint(reason.facts_read)
    ]
    if any(not reason.finding_types for reason in masking):
        return EVERYTHING
    return frozenset[str]().union(*(reason.finding_types for reason in masking))


def mask(text: str, findings: Iterable[Finding], types: frozenset[str], hide: Hide = redact) -> str:
    """Mask the findings of some types or categories in one text."""
    covered = [finding for finding in findings if is_of(finding, types)]
    return hide_decoded(text, covered, hide) if covered else text


def cannot_mask(findings: Iterable[Finding], types: frozenset[str], fixed: Sequence[Span]) -> bool:
    """True when something that is to be masked lies where no mask can stand."""
    return bool(fixed) and any(
        finding.start < end and finding.end > start
        for finding in findings
        if is_of(finding, types)
        for start, end in fixed
    )


def is_of(finding: Finding, types: frozenset[str]) -> bool:
    """True if a finding is of one of these types or categories."""
    return finding.type in types or finding.category in types


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Writes messages as the model may see them.

    In what is new, `masked_now` is masked: the decision let the rest through. What is older was decided on in
    its own turn, so there everything that the policy ever withholds (`withheld`) stays withheld: spans are
    masked, and a message on a withheld topic is left out. The arguments of calls are no part of what is new,
    wherever the call stands: no rule has read them, so everything stays withheld in them.
    """

    scanner: Scans
    masked_now: frozenset[str]
    withheld: frozenset[str]
    hide: Hide = redact

    def messages(self, messages: Sequence[Message], findings: Sequence[Finding]) -> tuple[Message, ...]:
        """Return the messages that may be sent."""
        by_message = _by_message(findings)
        sent = []
        for index, (message, is_new) in enumerate(zip(messages, _are_new(messages), strict=True)):
            found = by_message.get(index, [])
            if is_new:
                sent.append(self._masked(message, found, self.masked_now))
            elif topic := next((f.type for f in found if f.type in TOPICS and f.type in self.withheld), None):
                sent.append(replace(message, text=f"[withheld: {topic}]", fixed=(), runs=()))
            else:
                sent.append(self._masked(message, found, self.withheld))
        return tuple(sent)

    def cannot_mask(self, messages: Sequence[Message], findings: Sequence[Finding]) -> bool:
        """True when something that is to be masked lies in a number or a key of a message."""
        if not findings and not any(message.tool_calls for message in messages):
            return False
        by_message = _by_message(findings)
        return any(
            self._cannot_mask(
                message, by_message.get(index, ()), self.masked_now if is_new else self.withheld
            )
            for index, (message, is_new) in enumerate(zip(messages, _are_new(messages), strict=True))
        )

    def _cannot_mask(self, message: Message, findings: Sequence[Finding], types: frozenset[str]) -> bool:
        own = [one for one in findings if is_of(one, types)]
        if own and cannot_mask(own, types, (*message.fixed, *fixed_in(message.text))):
            return True
        of_calls = self._of_calls(types)
        return any(call_cannot_mask(call, self.scanner, of_calls) for call in message.tool_calls)

    def _of_calls(self, types: frozenset[str]) -> frozenset[str]:
        return types | self.withheld

    def _masked(self, message: Message, findings: Sequence[Finding], types: frozenset[str]) -> Message:
        of_calls = self._of_calls(types)
        calls = tuple(masked_call(call, self.scanner, of_calls, self.hide) for call in message.tool_calls)
        text = self._text(message, findings, types) if types else message.text
        if text == message.text and calls == message.tool_calls:
            return message
        return replace(message, text=text, tool_calls=calls, fixed=(), runs=())

    def _text(self, message: Message, findings: Sequence[Finding], types: frozenset[str]) -> str:
        if not message.runs:
            return mask(message.text, findings, types, self.hide)

        def find(text: str) -> list[Finding]:
            found = scan_decoded(self.scanner, text)
            # Topics do not count in the developer's own text.
            named = TOPICS if message.speaker is Speaker.SYSTEM else frozenset[str]()
            return [one for one in found if is_of(one, types) and one.type not in named]

        (text,) = masked_units(
            message.text, [(0, len(message.text))], message.runs, find, decoding(self.hide)
        )
        return text


def _by_message(findings: Iterable[Finding]) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.place is not None and finding.place.part is Part.MESSAGE:
            found.setdefault(finding.place.index, []).append(finding)
    return found


def _are_new(messages: Sequence[Message]) -> list[bool]:
    new = first_new(messages)
    return [index >= new and message.speaker is not Speaker.SYSTEM for index, message in enumerate(messages)]


def masked_call(
    call: ToolCall,
    scanner: Scans,
    types: frozenset[str],
    hide: Hide = redact,
    *,
    is_own: Callable[[str], bool] = lambda value: False,
) -> ToolCall:
    """Mask findings of some types inside a call's arguments, in the decoded leaves where these are JSON.

    Args:
        call: the call.
        scanner: finds them.
        types: which of them are masked.
        hide: masks them.
        is_own: tells of a value that it stays, because whoever will have the call gave it.
    """
    found = _not_own(call, scan_decoded(scanner, call.arguments), is_own) if types else []
    arguments = mask(call.arguments, found, types, hide)
    return call if arguments == call.arguments else replace(call, arguments=arguments)


def call_cannot_mask(
    call: ToolCall,
    scanner: Scans,
    types: frozenset[str],
    is_own: Callable[[str], bool] = lambda value: False,
) -> bool:
    """True when something that is to be masked is a number or a key of a call's arguments, or only shown."""
    if types and call.shown and any(is_of(found, types) for found in scanner.scan(call.shown)):
        return True
    fixed = fixed_in(call.arguments) if types else ()
    found = _not_own(call, scan_decoded(scanner, call.arguments), is_own) if fixed else []
    return cannot_mask(found, types, fixed)


def _not_own(call: ToolCall, findings: Iterable[Finding], is_own: Callable[[str], bool]) -> list[Finding]:
    def value(one: Finding) -> str:
        written = call.arguments[one.start : one.end]
        tokens = json_tokens(f'"{written}"') if "\\" in written else None
        return tokens[0].text if tokens else written

    return [one for one in findings if not is_own(value(one))]


def decoding(hide: Hide) -> Hide:
    """Return what hides findings so that JSON in a text stays JSON."""
    return lambda text, findings: hide_decoded(text, findings, hide)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downstream:
    """Writes a released answer as the caller may have it: `types` masked, pseudonyms given back."""

    scanner: Scans
    types: frozenset[str]
    vault: Vault | None
    hide: Hide = redact

    def text(self, text: str) -> str:
        """Return one text of the answer."""
        if self.types:
            text = mask(text, scan_decoded(self.scanner, text), self.types, self.hide)
        return self.vault.restore(text) if self.vault else text

    def parts(self, text: str, spans: Sequence[Span], runs: Sequence[Run] = ()) -> list[str]:
        """Return some parts of one text; what was found over several of them is named in the first.

        Args:
            text: the whole.
            spans: start and end (exclusive) of each part, in order.
            runs: parts that are also read as one.
        """
        return [self._restored(piece) for piece in masked_units(text, spans, runs, self._found, self.hide)]

    def draft(self, draft: Draft) -> Draft:
        """Return a draft; the draft itself where nothing changes."""
        if not self.types and not self.vault:
            return draft
        units = _units(draft)
        told = masked_units(draft.told, units, draft.runs, self._found, decoding(self.hide))
        text, refusal, *asides = map(self._restored, told)
        changed = replace(
            draft,
            text=text,
            refusal=draft.refusal and refusal,
            asides=tuple(asides),
            tool_calls=tuple(
                masked_call(call, self.scanner, self.types, self.hide, is_own=self.is_own)
                for call in draft.tool_calls
            ),
        )
        if changed == draft:
            return draft
        # Log-probabilities belong to the tokens the model wrote, spans to the text as it was.
        logprobs = draft.logprobs if changed.text == draft.text else None
        return replace(changed, logprobs=logprobs, fixed=(), runs=())

    def is_own(self, value: str) -> bool:
        """True of a value that the caller gave and the model knows by its pseudonym only."""
        return self.vault is not None and self.vault.holds(value)

    def _found(self, text: str) -> list[Finding]:
        found = scan_decoded(self.scanner, text) if self.types else ()
        return [one for one in found if is_of(one, self.types)]

    def _restored(self, text: str) -> str:
        return self.vault.restore(text) if self.vault else text


def _units(draft: Draft) -> list[Span]:
    """Return where the text, the refusal and each aside stand in what a draft told."""
    start = len(draft.answer) - len(draft.refusal or "")
    units = [(0, len(draft.text)), (start, len(draft.answer))]
    at = len(draft.answer)
    for aside in draft.asides:
        units.append((at + 1, at + 1 + len(aside)))
        at += 1 + len(aside)
    return units
