"""Builds what a policy says of tools: where their arguments apply, and what an unlisted one meets."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from handrail.policy.file.build import PolicyBuilder
from handrail.policy.file.document import Path
from handrail.policy.language import sources
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.ir import And, Formula, Member, Not
from handrail.policy.language.scope import TOOL, Scopes, said
from handrail.policy.runtime.rules import Rule
from handrail.records import Effect, Reason, Severity, Trigger
from handrail.text.suggest import near

KIND: Final = "tool.kind"
UNLISTED: Final = "unlisted_tool"
"""The rule that a policy with `tools:` has by itself."""

_BECAUSE: Final = "The policy does not list this tool."


def build_scopes(builder: PolicyBuilder) -> None:
    """Set where facts apply, and declare the tool's name where facts need it and the file does not."""
    listed = tuple(builder.shape.tools)
    tools = {
        name: fact.source.tools
        for name, fact in builder.facts.items()
        if isinstance(fact.source, sources.ToolArgument) and fact.source.of
    }
    for name, fact in builder.facts.items():
        if isinstance(fact.source, sources.Provenance) and fact.source.of in tools:
            tools[name] = tools[fact.source.of]
    stated = _declare_said(builder)
    builder.scopes = Scopes(stated=stated)
    if builder.shape.unlisted is not None and not listed:
        builder.problem("`unlisted:` needs `tools:`, e.g. tools: {get_order: reads}", ("unlisted",))
    if not (tools or listed):
        return
    name = _tool_fact(builder, listed)
    if builder.shape.unlisted == "pass_reads" and not _declared_as(builder, sources.ToolKind):
        if KIND in builder.facts:
            builder.problem(f"'{KIND}' is whether the tool reads or acts", ("facts", KIND), at_key=True)
        builder.facts[KIND] = _kind_of_tool()
    builder.scopes = Scopes(tool=name, tools=tools, stated=stated)
    _check_tools(builder, listed or builder.facts[name].values)


def _declare_said(builder: PolicyBuilder) -> frozenset[str]:
    """Declare for each fact that the answer states the one that tells whether it does; returns the first."""
    of_answers = (sources.StatedBy, sources.ConfidenceOf)
    stated = frozenset(name for source in of_answers for name in _declared_as(builder, source))
    for name in sorted(stated):
        if said(name) in builder.facts:
            builder.problem(f"'{said(name)}' is declared by itself", ("facts", said(name)), at_key=True)
        source = sources.Said(of=name)
        builder.facts[said(name)] = FactDeclaration(name=said(name), type=Kind.YES_NO, source=source)
    return stated


def _declared_as(builder: PolicyBuilder, source: type) -> list[str]:
    return [name for name, fact in builder.facts.items() if isinstance(fact.source, source)]


def _kind_of_tool() -> FactDeclaration:
    values = ("reads", "acts", "undeclared")
    return FactDeclaration(name=KIND, type=Kind.ONE_OF, source=sources.ToolKind(), values=values)


def _tool_fact(builder: PolicyBuilder, listed: tuple[str, ...]) -> str:
    """Return the fact that is the tool's name; any name fits it, and rules may compare it with known ones."""
    declared = _declared_as(builder, sources.ToolName)
    name = declared[0] if declared else TOOL
    if not declared and TOOL in builder.facts:
        builder.problem(f"'{TOOL}' is the name of the tool that is called", ("facts", TOOL), at_key=True)
    if not declared:
        builder.facts[TOOL] = FactDeclaration(name=TOOL, type=Kind.TEXT, source=sources.ToolName())
    fact = builder.facts[name]
    odd = next((value for value in fact.values if listed and value not in listed), None)
    if odd is not None:
        builder.problem(f"'{odd}' is not in `tools:`{near(odd, listed)}", ("facts", name, "values"))
    builder.facts[name] = replace(fact, type=Kind.TEXT, values=listed or fact.values)
    return name


def _check_tools(builder: PolicyBuilder, known: tuple[str, ...]) -> None:
    if not known:
        return
    for name, fact in builder.facts.items():
        for tool, key in _named_in(fact):
            if tool not in known:
                place = "`tools:`" if builder.shape.tools else f"the values of {builder.scopes.tool}"
                problem = f"the tool '{tool}' is not in {place}{near(tool, known)}"
                builder.problem(problem, ("facts", name, key))


def _named_in(fact: FactDeclaration) -> Iterator[tuple[str, str]]:
    match fact.source:
        case sources.ToolArgument(of=of):
            yield from ((tool, "from") for tool, _ in of)
        case sources.ToolResult(tool=tool):
            yield tool, "from"
        case sources.Ledger(tool=tool):
            yield tool, "where"
        case sources.Conversation(after=after) if after.startswith("tool."):
            yield after.removeprefix("tool."), "after"
        case _:
            pass


def unlisted_rule(builder: PolicyBuilder) -> tuple[Rule, ...]:
    """Return the rule for tools that the policy does not list; none where it lists no tools."""
    listed, unlisted = tuple(builder.shape.tools), builder.shape.unlisted or "hand_off"
    if not listed:
        return ()
    path: Path = ("unlisted",) if builder.shape.unlisted else ("tools",)
    name = builder.scopes.tool
    formula: Formula = Not(Member(name, frozenset(listed)))
    text = f"{name} not in [{', '.join(listed)}]"
    if unlisted == "pass_reads":
        kind = _declared_as(builder, sources.ToolKind)[0]
        formula = And((formula, Not(Member(kind, frozenset({"reads"})))))
        text += f' and {kind} != "reads"'
    effect = Effect.BLOCK if unlisted == "block" else Effect.HAND_OFF
    role = None if effect is Effect.BLOCK else builder.shape.if_unsure
    trigger = Trigger.NEVER_AI if effect is Effect.BLOCK else Trigger.UNSURE
    when = builder.compiled(formula, text, builder.document.position(path, at_key=True).line)
    reason = Reason(
        rule=UNLISTED,
        effect=effect,
        trigger=trigger,
        severity=Severity.LOW,
        role=role,
        because=_BECAUSE,
        facts_read=when.reads,
    )
    rule = Rule(
        id=UNLISTED,
        when=when,
        effect=effect,
        role=role,
        also_to=(),
        trigger=trigger,
        severity=Severity.LOW,
        because=_BECAUSE,
        source="",
        is_shadow=False,
        finding_types=frozenset(),
        notice=None,
        reasons=(reason,),
        is_built_in=True,
    )
    return (rule,)
