"""A compiled policy: immutable, and a pure function from facts to a decision."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.scope import EVERYWHERE, Scopes, said, with_said
from handrail.policy.language.sources import (
    CONFIDENCE,
    Caller,
    ConfidenceOf,
    InputFindings,
    Ledger,
    MeasuredConfidence,
    StatedBy,
    written,
)
from handrail.policy.runtime.decide import unsure
from handrail.policy.runtime.plan import Planner, is_later
from handrail.policy.runtime.roles import RolePlan
from handrail.policy.runtime.rules import (
    BusinessDecision,
    KnownConflict,
    Rule,
    Statement,
    Unit,
    texts_named_in,
)
from handrail.policy.runtime.withheld import withheld_by
from handrail.records import (
    Decision,
    Effect,
    FactValue,
    PolicyRef,
    Stage,
    owners,
    strictest,
)

_ORDER = {stage: rank for rank, stage in enumerate(Stage)}


IF_UNSURE = "if_unsure"
"""What stands for a rule where a check failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A test in the policy file."""

    name: str
    given: Mapping[str, FactValue]
    stage: Stage
    expect: Mapping[str, Any]
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCase:
    """A text in the policy file that tests what its own words, levels and patterns find.

    Attributes:
        of: What is tested: a `signal` (or topic), or an `entity` of its own.
        name: Its name.
        text: The text.
        is_match: It must be found there; otherwise it must not.
        number: Which text of its list it is, from 1.
        file, line, column: Where the text stands.
    """

    of: Literal["signal", "entity"]
    name: str
    text: str = field(repr=False)
    is_match: bool
    number: int
    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationFile:
    """A calibration that a policy was loaded with: where it lies and the sha256 of its content then."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy in force. Build it with `handrail.policy.load`; `decide` is pure and safe between threads."""

    ref: PolicyRef
    mode: Literal["enforce", "shadow"]
    if_unsure: str
    time_zone: str
    owner: str | None
    roles: Mapping[str, RolePlan]
    facts: Mapping[str, FactDeclaration]
    hand_offs: tuple[Rule, ...]
    decisions: Mapping[str, BusinessDecision]
    statements: tuple[Statement, ...]
    on_conflict: str | None
    known_conflicts: tuple[KnownConflict, ...]
    constants: Mapping[str, FactValue]
    notices: Mapping[str, str]
    scan: Mapping[str, Any]
    stream: Literal["hold", "release"]
    self_check: Literal["off", "verbalised", "p_true", "agreement"]
    calibrations: Mapping[str, CalibrationFile] = field(default_factory=dict)
    enforced_by: str | None = None
    on_change: Literal["keep", "rejudge", "move"] = "keep"
    moves: Mapping[str, str] = field(default_factory=dict)
    audit_rate: float | None = None
    log: Literal["batched", "durable"] = "batched"
    signals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    signals_model: CalibrationFile | None = None
    cases: tuple[Case, ...] = ()
    text_cases: tuple[TextCase, ...] = ()
    warnings: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=dict)
    scopes: Scopes = EVERYWHERE
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    named_texts: frozenset[str] = field(init=False, repr=False, compare=False)
    text_facts: frozenset[str] = field(init=False, repr=False, compare=False)
    fact_sources: Mapping[str, str] = field(init=False, repr=False, compare=False)
    stated_facts: tuple[FactDeclaration, ...] = field(init=False, repr=False, compare=False)
    measured_facts: tuple[FactDeclaration, ...] = field(init=False, repr=False, compare=False)
    _planner: Planner = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_planner", Planner(self.units, self.facts, self.tools))
        declared = {value for fact in self.facts.values() for value in fact.values}
        object.__setattr__(self, "named_texts", texts_named_in(self.units) | declared)
        texts = frozenset(name for name, fact in self.facts.items() if fact.type is Kind.TEXT)
        object.__setattr__(self, "text_facts", texts)
        sources = {name: written(fact.source) for name, fact in self.facts.items()}
        object.__setattr__(self, "fact_sources", sources)
        object.__setattr__(self, "stated_facts", self._stated_facts())
        measured = (fact for fact in self.facts.values() if isinstance(fact.source, MeasuredConfidence))
        object.__setattr__(self, "measured_facts", tuple(measured))

    @property
    def units(self) -> tuple[Unit, ...]:
        """Everything that is evaluated: statements, rules of `hand_offs`, decisions, each in file order."""
        return (*self.statements, *self.hand_offs, *self.decisions.values())

    @property
    def reads_confidence(self) -> bool:
        """True when a rule reads how sure the model is."""
        read = {name for unit in self.units for name in unit.reads}
        return any(isinstance(self.facts[name].source, CONFIDENCE) for name in read)

    def _stated_facts(self) -> tuple[FactDeclaration, ...]:
        """Return the facts that some rule reads and the answer itself states."""
        read = {name for unit in self.units for name in unit.reads}
        names = sorted(name for name in self.scopes.stated if name in read or said(name) in read)
        # How sure the model is of a stated fact is asked of the words that state it.
        sure = [fact.source.name for fact in self.facts.values() if isinstance(fact.source, ConfidenceOf)]
        asked = {f"answer.{name}" for name in sure} | set(sure)
        names += sorted(name for name in self.scopes.stated if name in asked and name not in names)
        return tuple(self.facts[name] for name in names if isinstance(self.facts[name].source, StatedBy))

    @property
    def withheld_types(self) -> frozenset[str]:
        """Finding types and categories that some rule keeps from the model when they are in the input.

        Every one, if a rule on the input names none.
        """
        return self.withheld_by(
            frozenset(name for name, fact in self.facts.items() if isinstance(fact.source, InputFindings))
        )

    def withheld_by(self, read: frozenset[str]) -> frozenset[str]:
        """Return the finding types and categories that rules on some facts keep from whom they concern."""
        return frozenset() if self.mode == "shadow" else withheld_by(self.hand_offs, read)

    @property
    def counted_tools(self) -> frozenset[str]:
        """Tools whose actions a ledger fact sums or counts."""
        sources = (fact.source for fact in self.facts.values())
        return frozenset(source.tool for source in sources if isinstance(source, Ledger))

    def facts_at(self, stage: Stage) -> frozenset[str]:
        """Names of the facts that some rule may read at a stage: those that exist by then.

        What has to be fetched (the ledger, the caller's own facts) is named only where a rule can decide on
        it: a sum that nothing but a rule on a tool call reads is asked for at the tool call.
        """
        return self._worth_reading(stage, self.units)

    def facts_needed(self, stage: Stage, known: Mapping[str, FactValue]) -> frozenset[str]:
        """Names of the facts worth reading at a stage once some are known, such as the tool's name.

        Rules that the known facts rule out (they are about another tool) need nothing, so that a sum over
        refunds is not fetched for a call that refunds nothing. `decide` says the same with and without the
        facts left out.
        """
        return self._worth_reading(stage, self._planner.not_ruled_out(known))

    def facts_of_result(self, known: Mapping[str, FactValue]) -> frozenset[str]:
        """Names of the facts worth reading of what a tool returned, once some are known, such as its name.

        Empty where no rule says anything of that tool's results.
        """
        units = self._planner.not_ruled_out(known)
        return frozenset(name for unit in units if unit.stage is Stage.RESULT for name in unit.reads)

    def _worth_reading(self, stage: Stage, units: Iterable[Unit]) -> frozenset[str]:
        names: set[str] = set()
        for unit in units:
            is_late = is_later(unit, stage)
            names |= {name for name in unit.reads if not (is_late and self._is_fetched(name))}
        return frozenset(name for name in names if _ORDER[self.facts[name].stage] <= _ORDER[stage])

    def _is_fetched(self, name: str) -> bool:
        """Tell whether the store or the caller has to be asked for a fact."""
        return isinstance(self.facts[name].source, Ledger | Caller)

    def decide(self, facts: Mapping[str, FactValue], stage: Stage) -> Decision:
        """Say what the policy says of these facts at a stage; pure, never raises.

        Rules whose own stage (the latest among the facts they read) is `stage` are evaluated; a fact absent
        from `facts` is unknown to them. Rules with an earlier stage are evaluated if every fact they read is
        in `facts`, even as `Unknown`; those with a later one apply only if they are certainly true already,
        whatever the facts to come (`input.findings has email or output.findings has email`). At the stage
        `result` only rules of that stage are evaluated: the action has been judged, and is done.
        """
        if self.constants:
            facts = {**facts, **self.constants}
        if self.scopes.stated and stage is not Stage.INPUT:
            facts = with_said(facts, self.scopes)
        plan = self._planner.plan_for(facts, stage)
        read, known = plan.read(facts)
        reasons, shadow, answers = plan.judge(known, facts, self.if_unsure)
        if self.mode == "shadow":
            return Decision(
                stage=stage, effect=Effect.PASS, policy=self.ref, shadow=(*reasons, *shadow), facts=read
            )
        if not reasons:
            return Decision(stage=stage, effect=Effect.PASS, policy=self.ref, shadow=shadow, facts=read)
        role, others = owners(reasons)
        return Decision(
            stage=stage,
            effect=strictest(reason.effect for reason in reasons),
            policy=self.ref,
            reasons=reasons,
            role=role,
            co_approvers=others,
            shadow=shadow,
            answers=answers,
            facts=read,
        )

    def unsure(self, stage: Stage, why: str) -> Decision:
        """Return the decision for a check that failed: a hand-off to `if_unsure`, only recorded in shadow.

        Args:
            stage: where in the call it failed.
            why: a code or short phrase, never scanned text.
        """
        reason = unsure(IF_UNSURE, self.if_unsure, why)
        if self.mode == "shadow":
            return Decision(stage=stage, effect=Effect.PASS, policy=self.ref, shadow=(reason,))
        return Decision(
            stage=stage, effect=Effect.HAND_OFF, policy=self.ref, reasons=(reason,), role=self.if_unsure
        )
