"""What every call under one policy shares: the policy, the scanner, and what follows from both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from handrail.confidence.cascade import Cascade
from handrail.pipeline.declared_facts import DeclaredFacts
from handrail.pipeline.decoded import scan_decoded
from handrail.pipeline.pieces import Hide
from handrail.pipeline.stream import StreamRelease
from handrail.pipeline.withhold import mask
from handrail.policy import Policy
from handrail.policy.language.sources import (
    InputFindings,
    OutputFindings,
    ResultFindings,
    ToolFindings,
    Ungrounded,
)
from handrail.records import Finding
from handrail.scan import CachedScanner, Scanner, redact
from handrail.scan.vault import Vault
from handrail.signals.listening import DEFAULT, Listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """What every call under one policy shares; a guard that loads another policy makes another.

    Args:
        policy: decides.
        scanner: finds sensitive data.
        cascade: how confidence is measured.
        listening: what is heard as a signal or a topic.
        tool_kinds: by tool whether it `reads` or `acts`, as its framework declares it; grows as tools come.

    Attributes:
        history_scanner: the scanner for messages, which come again with every turn of a conversation.
        reads_confidence: a rule reads how sure the model is.
        reads_grounding: a rule reads how many statements of an answer have no source.
        withheld: finding types and categories that some rule keeps from the model.
        withheld_out: those that some rule on answers names; all of them where one names none.
        withheld_told: those that some rule on answers or on what tools return names.
        read_in, read_out, read_back: names of the facts that hold findings in the input, in the answer, and
            in what a tool returned.
        redaction: how findings are replaced: `label`, `mask` or `pseudonym`.
        named_out: finding types that a rule on the answer names; None where nothing may be released before
            the end: a rule reads confidence, or names no type and so may mean any.
        declared: the facts worth reading.
    """

    policy: Policy
    scanner: Scanner
    cascade: Cascade = field(default_factory=Cascade)
    listening: Listening = DEFAULT
    tool_kinds: Mapping[str, str] = field(default_factory=dict)
    history_scanner: CachedScanner = field(init=False)
    reads_confidence: bool = field(init=False)
    reads_grounding: bool = field(init=False)
    withheld: frozenset[str] = field(init=False)
    withheld_out: frozenset[str] = field(init=False)
    withheld_told: frozenset[str] = field(init=False)
    read_in: frozenset[str] = field(init=False)
    read_out: frozenset[str] = field(init=False)
    read_back: frozenset[str] = field(init=False)
    redaction: str = field(init=False)
    named_out: frozenset[str] | None = field(init=False)
    declared: DeclaredFacts = field(init=False)

    def __post_init__(self) -> None:
        sources = {name: fact.source for name, fact in self.policy.facts.items()}
        read_in = frozenset(name for name, source in sources.items() if isinstance(source, InputFindings))
        read_out = frozenset(
            name for name, source in sources.items() if isinstance(source, OutputFindings | ToolFindings)
        )
        read_back = frozenset(name for name, source in sources.items() if isinstance(source, ResultFindings))
        derived: dict[str, object] = {
            "history_scanner": CachedScanner(self.scanner),
            "reads_confidence": self.policy.reads_confidence,
            "reads_grounding": any(isinstance(source, Ungrounded) for source in sources.values()),
            "withheld": self.policy.withheld_by(read_in),
            "withheld_out": self.policy.withheld_by(read_out),
            "withheld_told": self.policy.withheld_by(read_out | read_back),
            "read_in": read_in,
            "read_out": read_out,
            "read_back": read_back,
            "redaction": str(self.policy.scan.get("redaction", "label")),
            "named_out": _named_out(self.policy, read_out),
            "declared": DeclaredFacts(self.policy),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def stream(self, vault: Vault | None) -> StreamRelease:
        """Start releasing one streamed answer; held to its end unless the policy says `stream: release`."""
        # A pseudonym is given back only in the whole answer.
        return StreamRelease(self.scanner, None if vault else self.named_out)

    def hide(self, vault: Vault | None) -> Hide:
        """What replaces findings, in the style of the policy."""
        return vault.hide if vault is not None else self._hide

    def _hide(self, text: str, findings: Iterable[Finding]) -> str:
        return redact(text, findings, style="mask" if self.redaction == "mask" else "label")

    def redact_reply(self, text: str) -> str:
        """What a person wrote for the customer, with everything masked that a rule keeps out of answers."""
        types = self.withheld_out
        return mask(text, scan_decoded(self.scanner, text), types) if types and text else text


def _named_out(policy: Policy, read_out: frozenset[str]) -> frozenset[str] | None:
    if policy.stream != "release" or policy.reads_confidence or policy.stated_facts:
        return None
    rules = [rule for rule in policy.hand_offs if not read_out.isdisjoint(rule.when.reads)]
    if any(not rule.finding_types for rule in rules):
        return None
    return frozenset[str]().union(*(rule.finding_types for rule in rules))
