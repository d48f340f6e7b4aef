"""Which of a policy's facts are worth reading, so that no call asks for one that no rule can use."""

from collections.abc import Mapping, Set

from handrail.policy import FactDeclaration, Policy
from handrail.policy.language import sources
from handrail.records import FactValue, Stage

MOST_TOOLS = 512
"""Most tools whose facts are remembered."""


class DeclaredFacts:
    """Which facts of a policy are worth reading: at each stage, and for a call of each tool.

    Rules about other tools ask the store for nothing.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._by_tool: dict[str, tuple[FactDeclaration, ...]] = {}
        self._of_result: dict[str, tuple[FactDeclaration, ...]] = {}
        self.at_stage: Mapping[Stage, tuple[FactDeclaration, ...]] = {
            stage: self._named(policy.facts_at(stage)) for stage in Stage
        }

    def for_tool(self, tool: str) -> tuple[FactDeclaration, ...]:
        """Return the facts worth reading for a call of one tool."""
        found = self._by_tool.get(tool)
        if found is None:
            known = self._named_tool(tool)
            found = self._named(self._policy.facts_needed(Stage.TOOL, known) | known.keys())
            if len(self._by_tool) < MOST_TOOLS:
                self._by_tool[tool] = found
        return found

    def for_result(self, tool: str) -> tuple[FactDeclaration, ...]:
        """Return the facts worth reading of what one tool returned; none if no rule reads its results."""
        found = self._of_result.get(tool)
        if found is None:
            known = self._named_tool(tool)
            names = self._policy.facts_of_result(known)
            found = self._named(names | known.keys() if names else names)
            if len(self._of_result) < MOST_TOOLS:
                self._of_result[tool] = found
        return found

    def _named_tool(self, tool: str) -> dict[str, FactValue]:
        facts = self._policy.facts.values()
        return {fact.name: fact.read(tool) for fact in facts if isinstance(fact.source, sources.ToolName)}

    def _named(self, names: Set[str]) -> tuple[FactDeclaration, ...]:
        return tuple(fact for name, fact in self._policy.facts.items() if name in names)
