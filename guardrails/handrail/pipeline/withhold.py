"""What the policy keeps from the model and from the caller: masked spans, or a whole message left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from handrail.pipeline.facts import first_new
from handrail.records import Decision, Draft, Effect, Finding, Message, Part, Speaker, ToolCall
from handrail.scan import redact
from handrail.scan.spec import TOPICS
from handrail.scan.vault import Vault


class Scans(Protocol):
    """Whatever finds sensitive data in a text."""

    def scan(self, text: str) -> tuple[Finding, ...]:
        """Return what was found, with spans in the text."""


Hide: TypeAlias = Callable[[str, Iterable[Finding]], str]


class _Everything(frozenset[str]):
    def __contains__(self, item: object) -> bool:
        return True


EVERYTHING: frozenset[str] = _Everything({"*"})


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
    covered = [finding for finding in findings if _is_of(finding, types)]
    return hide(text, covered) if covered else text


def cannot_mask(findings: Iterable[Finding], types: frozenset[str], fixed: Sequence[tuple[int, int]]) -> bool:
    """True when something that is to be masked lies where no mask can stand."""
    return bool(fixed) and any(
        finding.start < end and finding.end > start
        for finding in findings
        if _is_of(finding, types)
        for start, end in fixed
    )


def _is_of(finding: Finding, types: frozenset[str]) -> bool:
    return finding.type in types or finding.category in types


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Writes messages as the model may see them.

    In what is new, `masked_now` is masked: the decision let the rest through. What is older was decided on in
    its own turn, so there everything that the policy ever withholds (`withheld`) stays withheld: spans are
    masked, and a message on a withheld topic is left out.
    """

    scanner: Scans
    masked_now: frozenset[str]
    withheld: frozenset[str]
    hide: Hide = redact

    def messages(self, messages: Sequence[Message], findings: Sequence[Finding]) -> tuple[Message, ...]:
        """Return the messages that may be sent."""
        new = first_new(messages)
        by_message: dict[int, list[Finding]] = {}
        for finding in findings:
            if finding.place is not None and finding.place.part is Part.MESSAGE:
                by_message.setdefault(finding.place.index, []).append(finding)
        sent = []
        for index, message in enumerate(messages):
            found = by_message.get(index, [])
            if index >= new and message.speaker is not Speaker.SYSTEM:
                sent.append(self._masked(message, found, self.masked_now))
            elif topic := next((f.type for f in found if f.type in TOPICS and f.type in self.withheld), None):
                sent.append(replace(message, text=f"[withheld: {topic}]"))
            else:
                sent.append(self._masked(message, found, self.withheld))
        return tuple(sent)

    def _masked(self, message: Message, findings: Sequence[Finding], types: frozenset[str]) -> Message:
        if not types:
            return message
        calls = tuple(masked_call(call, self.scanner, types, self.hide) for call in message.tool_calls)
        text = mask(message.text, findings, types, self.hide)
        if text == message.text and calls == message.tool_calls:
            return message
        return replace(message, text=text, tool_calls=calls)


def masked_call(call: ToolCall, scanner: Scans, types: frozenset[str], hide: Hide = redact) -> ToolCall:
    """Mask findings of some types inside a call's arguments."""
    arguments = mask(call.arguments, scanner.scan(call.arguments), types, hide)
    return call if arguments == call.arguments else replace(call, arguments=arguments)


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
            text = mask(text, self.scanner.scan(text), self.types, self.hide)
        return self.vault.restore(text) if self.vault else text

    def parts(self, text: str, spans: Sequence[tuple[int, int]]) -> list[str]:
        """Return some parts of one text; what was found over several of them is named in the first."""
        found = [one for one in self.scanner.scan(text) if _is_of(one, self.types)] if self.types else []
        given, named = [], set[int]()
        for start, end in spans:
            inside = [one for one in found if one.start < end and one.end > start]
            again = [one for one in inside if id(one) in named]
            named.update(map(id, inside))
            piece = text[start:end]
            for one in reversed(again):
                piece = piece[: max(one.start - start, 0)] + piece[one.end - start :]
            first = [one for one in inside if one not in again]
            cut = start + sum(min(one.end, end) - max(one.start, start) for one in again)
            local = [
                replace(one, start=max(one.start, start) - cut, end=min(one.end, end) - cut) for one in first
            ]
            piece = self.hide(piece, local) if local else piece
            given.append(self.vault.restore(piece) if self.vault else piece)
        return given

    def draft(self, draft: Draft) -> Draft:
        """Return a draft; the draft itself where nothing changes."""
        if not self.types and not self.vault:
            return draft
        changed = replace(
            draft,
            text=self.text(draft.text),
            refusal=draft.refusal and self.text(draft.refusal),
            asides=tuple(self.text(aside) for aside in draft.asides),
            tool_calls=tuple(
                masked_call(call, self.scanner, self.types, self.hide) for call in draft.tool_calls
            ),
        )
        if changed == draft:
            return draft
        # Log-probabilities belong to the tokens the model wrote.
        return changed if changed.text == draft.text else replace(changed, logprobs=None)
