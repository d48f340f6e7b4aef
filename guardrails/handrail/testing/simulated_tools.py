"""The tools that simulated exchanges call: those that a policy names, and no others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from handrail.policy import FactDeclaration, Policy
from handrail.policy.analyse.analysis import formulas_of
from handrail.policy.language import sources
from handrail.policy.language.ir import Formula, Member, atoms
from handrail.records import FactValue

CALLS_A_TOOL: Final = 0.6
"""Share of the exchanges in which the assistant calls a tool."""
TOOL_NAME: Final = "tool.name"
_UNDECLARED: Final = "undeclared"


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedTools:
    """The tools that are called, what each does (`reads`, `acts`), and the facts that say which it is.

    `read` are those whose arguments some fact holds: they are called twice as often.
    """

    names: tuple[str, ...]
    kinds: Mapping[str, str]
    read: frozenset[str]
    name_facts: tuple[str, ...]
    kind_facts: tuple[str, ...]

    @classmethod
    def of(cls, policies: Sequence[Policy], mentioned: Sequence[str] = ()) -> "SimulatedTools":
        """Return the tools of some policies, and those that only a file's tests mention; pure."""
        facts = {fact.name: fact for policy in policies for fact in policy.facts.values()}
        return cls(
            names=named_tools(policies, mentioned),
            kinds={tool: kind for policy in policies for tool, kind in policy.tools.items()},
            read=frozenset(_with_arguments(facts.values())),
            name_facts=_from(facts, sources.ToolName),
            kind_facts=_from(facts, sources.ToolKind),
        )

    def in_words(self) -> Iterator[str]:
        """Yield how tools are drawn; nothing where no fact tells which one is called."""
        facts = (*self.name_facts, *self.kind_facts)
        if facts and not self.names:
            yield f"drawn: {', '.join(facts)}: no tool, for the policy names none"
        elif facts:
            yield (
                f"drawn: {', '.join(facts)}: in {CALLS_A_TOOL:.0%} one of the tools that the policy names, "
                f"those whose arguments it reads twice as often: {', '.join(self.names)}"
            )

    def called(self, rng: np.random.Generator, count: int) -> list[str]:
        """Return the tool that each of some exchanges calls, empty for none."""
        if not self.names:
            rng.random(count)
            return [""] * count
        weights = np.array([2.0 if tool in self.read else 1.0 for tool in self.names])
        picked = rng.choice(len(self.names), size=count, p=weights / weights.sum())
        calls = rng.random(count) < CALLS_A_TOOL
        return [self.names[place] if is_call else "" for place, is_call in zip(picked, calls, strict=True)]

    def facts(self, tool: str) -> dict[str, FactValue]:
        """Return what is known of the tool that is called; nothing where none is."""
        if not tool:
            return {}
        found: dict[str, FactValue] = dict.fromkeys((TOOL_NAME, *self.name_facts), tool)
        return found | dict.fromkeys(self.kind_facts, self.kinds.get(tool, _UNDECLARED))


def named_tools(policies: Sequence[Policy], mentioned: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the tools that some policies name: all they list, or what rules, facts and tests name; pure."""
    facts = [fact for policy in policies for fact in policy.facts.values()]
    listed = {tool for policy in policies for tool in policy.tools}
    listed |= {value for fact in facts if isinstance(fact.source, sources.ToolName) for value in fact.values}
    if listed:
        return tuple(sorted(listed))
    named = {
        tool
        for policy in policies
        for formula in formulas_of(policy)
        for tool in tools_in(formula, tool_facts(policy))
    }
    return tuple(sorted({*named, *_with_arguments(facts), *mentioned}))


def tools_in(formula: Formula, facts: Sequence[str]) -> Iterator[str]:
    """Yield the tools that a formula names, given the facts that hold a tool's name; pure."""
    for atom in atoms(formula):
        if isinstance(atom, Member) and atom.fact in facts:
            yield from atom.values


def tool_facts(policy: Policy) -> tuple[str, ...]:
    """Return the facts of a policy that hold the name of the tool; pure."""
    return _from(policy.facts, sources.ToolName)


def tools_of_tests(policy: Policy) -> tuple[str, ...]:
    """Return the tools that the tests of a policy's file name; pure."""
    names = tool_facts(policy)
    values = {case.given.get(name) for case in policy.cases for name in names}
    return tuple(sorted(value for value in values if isinstance(value, str)))


def _with_arguments(facts: Iterable[FactDeclaration]) -> Iterator[str]:
    for fact in facts:
        if isinstance(fact.source, sources.ToolArgument):
            yield from (tool for tool, _ in fact.source.of)


def _from(facts: Mapping[str, FactDeclaration], source: type) -> tuple[str, ...]:
    return tuple(name for name, fact in facts.items() if isinstance(fact.source, source))
