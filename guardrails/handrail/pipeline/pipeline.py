"""What every call of one guard shares."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from handrail.pipeline.certainty import Certainty
from handrail.pipeline.cutter import Cutter
from handrail.pipeline.facts import declared_at
from handrail.pipeline.remembered import Remembered
from handrail.pipeline.withhold import mask, redacted_types
from handrail.policy import FactDeclaration, Policy
from handrail.policy.language.sources import InputFindings, OutputFindings, ToolFindings, ToolName, Ungrounded
from handrail.records import Decision, Finding, Stage
from handrail.scan import Scanner, redact

MOST_TOOLS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What every call of one guard shares: policy, scanner, and what the policy reads and withholds."""

    policy: Policy
    scanner: Scanner
    certainty: Certainty = field(default_factory=Certainty)
    remembered: Remembered = field(init=False)
    reads_confidence: bool = field(init=False)
    reads_grounding: bool = field(init=False)
    withheld: frozenset[str] = field(init=False)
    read_in: frozenset[str] = field(init=False)
    read_out: frozenset[str] = field(init=False)
    redaction: str = field(init=False)
    named_out: frozenset[str] | None = field(init=False)
    declared: Mapping[Stage, tuple[FactDeclaration, ...]] = field(init=False)
    _by_tool: dict[str, tuple[FactDeclaration, ...]] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        facts = self.policy.facts
        read_in = {name for name, fact in facts.items() if isinstance(fact.source, InputFindings)}
        read_out = {
            name for name, fact in facts.items() if isinstance(fact.source, OutputFindings | ToolFindings)
        }
        object.__setattr__(self, "redaction", str(self.policy.scan.get("redaction", "label")))
        object.__setattr__(self, "remembered", Remembered(self.scanner))
        object.__setattr__(self, "reads_confidence", self.policy.reads_confidence)
        grounding = (isinstance(fact.source, Ungrounded) for fact in facts.values())
        object.__setattr__(self, "reads_grounding", any(grounding))
        object.__setattr__(self, "withheld", self.policy.withheld_types)
        object.__setattr__(self, "named_out", self._named_out(frozenset(read_out)))
        object.__setattr__(self, "declared", declared_at(self.policy))
        object.__setattr__(self, "read_in", frozenset(read_in))
        object.__setattr__(self, "read_out", frozenset(read_out))

    def declared_for(self, tool: str) -> tuple[FactDeclaration, ...]:
        """The facts worth reading for a call of one tool: rules about others ask the store for nothing."""
        found = self._by_tool.get(tool)
        if found is None:
            facts = self.policy.facts.values()
            named = {fact.name: fact.read(tool) for fact in facts if isinstance(fact.source, ToolName)}
            names = self.policy.facts_needed(Stage.TOOL, named)
            found = tuple(fact for fact in facts if fact.name in names or fact.name in named)
            if len(self._by_tool) < MOST_TOOLS:
                self._by_tool[tool] = found
        return found

    def cutter(self) -> Cutter:
        """Start releasing one streamed answer; held to its end unless the policy says `stream: release`."""
        return Cutter(self.scanner, self.named_out)

    def hide(self, text: str, findings: Iterable[Finding]) -> str:
        """Replace findings in the style of the policy; pseudonyms belong to one exchange, so not here."""
        return redact(text, findings, style="mask" if self.redaction == "mask" else "label")

    def spoken(self, text: str) -> str:
        """What a person wrote for the customer, with everything masked that a rule keeps out of answers."""
        rules = [rule for rule in self.policy.rules if not self.read_out.isdisjoint(rule.when.reads)]
        types = frozenset[str]().union(*(rule.finding_types for rule in rules))
        return mask(text, self.scanner.scan(text), types) if types and text else text

    def _named_out(self, read_out: frozenset[str]) -> frozenset[str] | None:
        """Finding types that a rule on the answer names; None where nothing may be released before the end.

        A rule on confidence needs the whole answer, and one on findings that names no type may mean any.
        """
        if self.policy.stream != "release" or self.reads_confidence:
            return None
        rules = [rule for rule in self.policy.rules if not read_out.isdisjoint(rule.when.reads)]
        if any(not rule.finding_types for rule in rules):
            return None
        return frozenset[str]().union(*(rule.finding_types for rule in rules))

    def masked_in(self, decision: Decision) -> frozenset[str]:
        """Types and categories that a decision on the input masks."""
        return redacted_types(decision, self.read_in)

    def masked_out(self, decision: Decision) -> frozenset[str]:
        """Types and categories that a decision on the answer masks."""
        return redacted_types(decision, self.read_out)
