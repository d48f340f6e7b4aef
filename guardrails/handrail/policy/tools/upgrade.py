"""Rewrites a policy of 0.1 in today's form: only what changes is touched, comments and layout stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handrail.policy.analyse.places import scope_of
from handrail.policy.file.cases import run_cases
from handrail.policy.file.compile import compile_policy
from handrail.policy.file.document import Document, Position
from handrail.policy.file.load import all_of
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.sources import ARGUMENTS, Caller, ToolArgument, ToolName, written
from handrail.policy.runtime.policy import Policy

_OLD = f"tool{ARGUMENTS}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """A policy in today's form: its text, what was changed, and what a person has to say.

    `failing` are tests of the file that passed before and do not now.
    """

    text: str
    changes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """Words put in place of others at a place in the text; `old` empty only puts in."""

    line: int
    column: int
    old: str
    new: str


def upgrade(text: str, *, file: str = "<policy>", folder: Path | None = None) -> Upgrade:
    """Rewrite the text of a policy; pure.

    An argument of whatever is called (`tool.args.amount`) becomes one of the tools that every rule reading it
    names. Where a rule names none it stays as it is and `left` says so. Where `tool.name` is one of some
    values, these become `tools:`, all of them as tools that act, and others still go to `if_unsure`.

    Raises:
        PolicyError: the file is no policy.
    """
    policy, problems = compile_policy(text, file=file, folder=folder)
    if policy is None:
        raise all_of(problems)
    document = Document(text, file)
    edits: list[_Edit] = []
    changes: list[str] = []
    left: list[str] = []
    for fact in policy.facts.values():
        if isinstance(fact.source, Caller) and fact.line and "from" not in document.value["facts"][fact.name]:
            edits.append(_put_in(document, fact, "from: caller"))
            changes.append(f"{fact.name}: comes from the caller's fact source")
        if not isinstance(fact.source, ToolArgument) or fact.source.of or not fact.line:
            continue
        scope = scope_of(policy, fact.name)
        if not scope.is_whole:
            why = (
                "a rule that reads it names no tool" if scope.tools else "no rule that reads it names a tool"
            )
            left.append(f"{fact.name}: {why}; write `from: <tool>.args.…` by hand")
            continue
        edits += _scoped(document, fact, sorted(scope.tools))
        changes.append(
            f"{fact.name}: {written(fact.source)} is an argument of {', '.join(sorted(scope.tools))}"
        )
    listed = list(_tools(document, policy)) if any(_OLD in change for change in changes) else []
    edits += listed
    changes += ["`tools:` lists the values of tool.name"] * len(listed)
    new = _applied(text, edits)
    return Upgrade(
        text=new, changes=tuple(changes), left=tuple(left), failing=_failing(policy, new, file, folder)
    )


def _scoped(document: Document, fact: FactDeclaration, tools: list[str]) -> Iterator[_Edit]:
    shape = document.value["facts"][fact.name]
    for key in ("from", "currency"):
        old = shape.get(key)
        if isinstance(old, str) and old.startswith(_OLD):
            at = document.position(("facts", fact.name, key))
            yield _Edit(line=at.line, column=at.column, old=old, new=_form(old, tools))
    if "from" not in shape:
        yield _put_in(document, fact, f"from: {_form(fact.name, tools)}")


def _put_in(document: Document, fact: FactDeclaration, line: str) -> _Edit:
    """Return the edit that puts a key into a fact's declaration, after its type."""
    path = ("facts", fact.name)
    kind = document.position((*path, "type"))
    at = document.position((*path, "type"), at_key=True)
    written = str(document.value["facts"][fact.name]["type"])
    if document.position(path).line == document.position(path, at_key=True).line:
        return _Edit(line=kind.line, column=kind.column + len(written), old="", new=f", {line}")
    indent = " " * (at.column - 1)
    return _Edit(line=at.line, column=at.column, old="", new=f"{line}\n{indent}")


def _form(old: str, tools: list[str]) -> str:
    # YAML takes no brackets inside a list.
    path = old.removeprefix(_OLD).replace("[", ".").replace("]", "")
    forms = [f"{tool}{ARGUMENTS}{path}" for tool in tools]
    return forms[0] if len(forms) == 1 else f"[{', '.join(forms)}]"


def _tools(document: Document, policy: Policy) -> Iterator[_Edit]:
    if policy.tools:
        return
    named = (fact for fact in policy.facts.values() if isinstance(fact.source, ToolName))
    fact = next((fact for fact in named if fact.type is Kind.ONE_OF), None)
    if fact is not None:
        at: Position = document.position(("facts",), at_key=True)
        listed = "".join(f"  {tool}: acts\n" for tool in fact.values)
        words = (
            "# `reads` for a tool that changes nothing: doubt about it costs no ticket.\n"
            f"tools:\n{listed}unlisted: hand_off\n\n"
        )
        yield _Edit(line=at.line, column=at.column, old="", new=words)


def _applied(text: str, edits: list[_Edit]) -> str:
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda edit: (edit.line, edit.column), reverse=True):
        line, at = lines[edit.line - 1], edit.column - 1
        lines[edit.line - 1] = line[:at] + edit.new + line[at + len(edit.old) :]
    return "".join(lines)


def _failing(policy: Policy, text: str, file: str, folder: Path | None) -> tuple[str, ...]:
    new, problems = compile_policy(text, file=file, folder=folder)
    if new is None:
        raise all_of(problems)
    before = {result.case.name for result in run_cases(policy) if result.is_passed}
    return tuple(
        result.case.name for result in run_cases(new) if not result.is_passed and result.case.name in before
    )
