"""`handrail policy check`: static analysis for people, for editors and for CI."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handrail.policy import Policy
    from handrail.policy.analyse import Remark

FormatOption = Annotated[str, typer.Option("--format", help="text, json or sarif.")]


def check(
    files: Annotated[list[str], typer.Argument(help="Policy files or names.")],
    format_: FormatOption = "text",
    limit: Annotated[int, typer.Option(help="Conflicts shown of one decision; the rest is counted.")] = 20,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    prove: Annotated[bool, typer.Option(help="Use z3 for rules that compare facts, if installed.")] = True,
) -> None:
    """Find conflicts, gaps, rules that never matter, missing reasons and tests.

    Exit code 0: nothing to mend. 1: errors, or warnings with --strict. 2: a file is no policy.

    **Examples**

    - `handrail policy check support`
    - `handrail policy check policies/*.yaml --format sarif`
    """
    if format_ not in ("text", "json", "sarif"):
        raise typer.BadParameter("text, json or sarif", param_hint="--format")
    found = [(name, *_checked(name, limit=limit, use_prover=prove)) for name in files]
    if format_ == "sarif":
        from handrail import __version__
        from handrail.policy.analyse.remarks import sarif

        typer.echo(json.dumps(sarif([(file, remarks) for _, file, remarks, _ in found], version=__version__)))
    elif format_ == "json":
        typer.echo(json.dumps([_as_json(name, remarks, unshown) for name, _, remarks, unshown in found]))
    else:
        for _, file, remarks, unshown in found:
            _print_remarks(file, remarks, unshown)
    codes = {remark.code for *_, remarks, _ in found for remark in remarks}
    levels = {str(remark.level) for *_, remarks, _ in found for remark in remarks}
    if "not-loadable" in codes:
        raise typer.Exit(2)
    if "error" in levels or (strict and "warning" in levels):
        raise typer.Exit(1)


def _checked(name: str, *, limit: int, use_prover: bool) -> "tuple[str, list[Remark], int]":
    from handrail.errors import PolicyError
    from handrail.policy.analyse import Remark, check
    from handrail.policy.file.compile import compile_policy
    from handrail.policy.file.read import read_source

    try:
        path, text = read_source(name)
    except PolicyError as error:
        return name, [Remark(code="not-loadable", message=error.problem, line=0)], 0
    policy, problems = compile_policy(text, file=str(path), folder=path.parent)
    if policy is None:
        return str(path), [_unloadable(problem) for problem in problems], 0
    result = check(policy, prover=_prover(policy) if use_prover else None, limit=limit)
    return str(path), [*result.remarks, *_unscanned(policy)], result.unshown


def _unloadable(problem: Any) -> "Remark":
    from handrail.policy.analyse import Remark

    return Remark(code="not-loadable", message=problem.problem, line=problem.line, column=problem.column)


def _prover(policy: "Policy") -> Any:
    from handrail.errors import MissingExtra
    from handrail.policy.analyse.prove import prover_for

    try:
        return prover_for(policy)
    except MissingExtra:
        return None


def _unscanned(policy: "Policy") -> "Iterator[Remark]":
    """Say which finding types a policy asks for that neither handrail's scanner nor the file's own finds."""
    from handrail.policy.analyse import Remark
    from handrail.policy.language import sources
    from handrail.text.suggest import near

    known = _scanner_types() | {str(entity.get("type")) for entity in policy.scan["entities"]}
    known |= {str(denied.get("type", "denied")) for denied in policy.scan["deny"]}
    for fact in policy.facts.values():
        if not isinstance(fact.source, sources.FINDINGS):
            continue
        for value in fact.values:
            if value not in known:
                message = f"{fact.name}: no scanner reports '{value}'{near(value, known)}"
                yield Remark(code="no-scanner", message=message, line=fact.line)


def _scanner_types() -> set[str]:
    from handrail.scan.spec import CATEGORIES, TOPICS

    return {*CATEGORIES, *TOPICS, *_entity_types()}


def _entity_types() -> set[str]:
    import tomllib
    from importlib.resources import files

    found: set[str] = set()
    for entry in (files("handrail.scan") / "entities").iterdir():
        if entry.name.endswith(".toml"):
            data = tomllib.loads(entry.read_text(encoding="utf-8"))
            found |= {str(entity["type"]) for entity in data.get("entity", ()) if "type" in entity}
    return found


def _as_json(name: str, remarks: "Sequence[Remark]", unshown: int) -> dict[str, Any]:
    from handrail.policy.analyse.remarks import as_data

    return {"policy": name, "unshown_conflicts": unshown, "remarks": [as_data(remark) for remark in remarks]}


def _print_remarks(file: str, remarks: "Sequence[Remark]", unshown: int) -> None:
    colours = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "note": typer.colors.BLUE}
    for remark in remarks:
        level = typer.style(str(remark.level), fg=colours[str(remark.level)])
        place = ":".join(str(part) for part in (file, remark.line, remark.column) if part)
        typer.echo(f"{place}: {level} {remark.code}: {remark.message}")
    if unshown:
        from handrail.policy.analyse.check import MAX_CONFLICTS

        least = "at least " if unshown >= MAX_CONFLICTS else ""
        typer.echo(f"{file}: {least}{unshown} more conflicts")
    counts = {level: sum(remark.level == level for remark in remarks) for level in colours}
    typer.echo(
        f"{file}: "
        + ", ".join(f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items())
    )
