"""`handrail policy check`: static analysis for people, for editors and for CI."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from handrail.policy import Policy
    from handrail.policy.analyse import Remark
    from handrail.policy.analyse.places import Place
    from handrail.scan import EntitySpec

FormatOption = Annotated[str, typer.Option("--format", help="text, json or sarif.")]


def check(
    files: Annotated[list[str], typer.Argument(help="Policy files or names.")],
    format_: FormatOption = "text",
    limit: Annotated[int, typer.Option(help="Conflicts shown of one decision; the rest is counted.")] = 20,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.")] = False,
    prove: Annotated[bool, typer.Option(help="Use z3 for rules that compare facts, if installed.")] = True,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes.")] = False,
) -> None:
    """Find conflicts, gaps, rules that never matter, missing reasons and tests.

    Exit code 0: nothing to mend. 1: errors, or warnings with --strict. 2: a file is no policy.

    **Examples**

    - `handrail policy check support`
    - `handrail policy check policies/*.yaml --format sarif`
    - `handrail policy check support.yaml --watch`
    """
    if format_ not in ("text", "json", "sarif"):
        raise typer.BadParameter("text, json or sarif", param_hint="--format")
    if watch:
        _watch(files, lambda: _report(files, format_, limit=limit, strict=strict, prove=prove))
        return
    code = _report(files, format_, limit=limit, strict=strict, prove=prove)
    if code:
        raise typer.Exit(code)


def _watch(files: list[str], report: "Callable[[], int]") -> None:
    import time

    from handrail.policy.tools.watch import changes

    def wait() -> bool:
        try:
            time.sleep(_EVERY_S)
        except KeyboardInterrupt:
            return False
        return True

    for _ in changes(files, wait):
        typer.echo(f"--- {time.strftime('%H:%M:%S')} (Ctrl-C ends it)")
        report()


_EVERY_S = 0.5


def _report(files: list[str], format_: str, *, limit: int, strict: bool, prove: bool) -> int:
    """Print what there is to say of some files, and return the exit code."""
    found = [_checked(name, limit=limit, use_prover=prove) for name in files]
    if format_ == "sarif":
        from handrail import __version__
        from handrail.policy.analyse.remarks import sarif

        typer.echo(json.dumps(sarif([(one.file, one.remarks) for one in found], version=__version__)))
    elif format_ == "json":
        typer.echo(json.dumps([_as_json(one) for one in found]))
    else:
        for one in found:
            _print(one)
    codes = {remark.code for one in found for remark in one.remarks}
    levels = {str(remark.level) for one in found for remark in one.remarks}
    if "not-loadable" in codes:
        return 2
    return 1 if "error" in levels or (strict and "warning" in levels) else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _CheckedFile:
    """What there is to say of one file: the name it was asked by, its path, and the result."""

    name: str
    file: str
    remarks: "Sequence[Remark]"
    unshown: int = 0
    places: "Sequence[Place]" = ()


def _checked(name: str, *, limit: int, use_prover: bool) -> _CheckedFile:
    from handrail.errors import PolicyError
    from handrail.policy.analyse import Remark, check
    from handrail.policy.file.compile import compile_policy
    from handrail.policy.file.read import read_source

    try:
        path, text = read_source(name)
    except PolicyError as error:
        remark = Remark(code="not-loadable", message=error.problem, line=0)
        return _CheckedFile(name=name, file=name, remarks=[remark])
    policy, problems = compile_policy(text, file=str(path), folder=path.parent)
    if policy is None:
        return _CheckedFile(name=name, file=str(path), remarks=[_unloadable(problem) for problem in problems])
    result = check(policy, prover=_prover(policy) if use_prover else None, limit=limit)
    return _CheckedFile(
        name=name,
        file=str(path),
        remarks=[*_failing_texts(policy), *result.remarks, *_unscanned(policy)],
        unshown=result.unshown,
        places=result.places,
    )


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


def _failing_texts(policy: "Policy") -> "Iterator[Remark]":
    """Say which texts of signals and entities fail, or why none can be tried."""
    from handrail.errors import ConfigError, PolicyError
    from handrail.guard.opening import listening_of, scanner_of, text_results
    from handrail.policy.analyse import Remark

    try:
        scanner_of(policy)
        listening_of(policy)
        problems = [result.problem for result in text_results(policy) if not result.is_passed]
    except PolicyError as error:
        yield _unloadable(error)
        return
    except ConfigError as error:
        yield Remark(code="not-loadable", message=str(error), line=0)
        return
    for one in problems:
        yield Remark(code="test-failed", message=one.problem, line=one.line, column=one.column)


def _unscanned(policy: "Policy") -> "Iterator[Remark]":
    """Say which finding types a policy asks for that nothing finds under its `scan:` section."""
    from handrail.policy.analyse import Remark
    from handrail.policy.language import sources
    from handrail.scan.catalogue import shipped

    types = {entity.type: entity for entity in shipped()}
    for problem in _wrong_settings(policy.scan, types):
        yield Remark(code="no-scanner", message=problem)
    for fact in policy.facts.values():
        if isinstance(fact.source, sources.FINDINGS):
            for value in fact.values:
                if (why := _unfound(value, policy.scan, types)) is not None:
                    yield Remark(code="no-scanner", message=f"{fact.name}: {why}", line=fact.line)


def _wrong_settings(scan: "Mapping[str, Any]", types: "Mapping[str, EntitySpec]") -> "Iterator[str]":
    from handrail.scan.spec import CATEGORIES, NO_TAGGER, SHIPPED
    from handrail.text.suggest import near

    for key in ("enable", "disable"):
        for name in scan[key]:
            if name not in types and name not in CATEGORIES:
                yield f"scan.{key}: handrail has no type '{name}'{near(name, types)}"
    tagger = scan.get("tagger", SHIPPED)
    if tagger not in (SHIPPED, NO_TAGGER):
        yield f"scan.tagger: only a guard that is given an analyzer '{tagger}' can use this policy"


def _unfound(value: str, scan: "Mapping[str, Any]", types: "Mapping[str, EntitySpec]") -> str | None:
    """Say why nothing finds a type or category, None where something does."""
    from handrail.scan.spec import CATEGORIES, NO_TAGGER, TAGGED, TOPICS
    from handrail.text.suggest import near

    own = {str(entity.get("type")) for entity in scan["entities"]}
    own |= {str(denied.get("type", "denied")) for denied in scan["deny"]}
    if value in own or value in CATEGORIES or value in TOPICS:
        return None
    if (entity := types.get(value)) is None:
        return f"no scanner reports '{value}'{near(value, {*CATEGORIES, *TOPICS, *types, *own})}"
    if entity.is_optional and value not in scan["enable"]:
        return f"'{value}' is looked for only with `scan: {{enable: [{value}]}}`"
    if {value, entity.category} & set(scan["disable"]):
        return f"scan.disable leaves '{value}' out"
    if value in TAGGED and scan.get("tagger") == NO_TAGGER:
        return f"scan.tagger leaves '{value}' out"
    return None


def _as_json(one: _CheckedFile) -> dict[str, Any]:
    from handrail.policy.analyse.remarks import as_data

    return {
        "policy": one.name,
        "unshown_conflicts": one.unshown,
        "remarks": [as_data(remark) for remark in one.remarks],
        "places": {place.rule: list(place.where) for place in one.places},
    }


def _print(one: _CheckedFile) -> None:
    file, remarks, unshown = one.file, one.remarks, one.unshown
    colours = {"error": typer.colors.RED, "warning": typer.colors.YELLOW, "note": typer.colors.BLUE}
    for remark in remarks:
        level = typer.style(str(remark.level), fg=colours[str(remark.level)])
        place = ":".join(str(part) for part in (file, remark.line, remark.column) if part)
        typer.echo(f"{place}: {level} {remark.code}: {remark.message}")
    if unshown:
        from handrail.policy.analyse.check import MAX_CONFLICTS

        least = "at least " if unshown >= MAX_CONFLICTS else ""
        typer.echo(f"{file}: {least}{unshown} more conflicts")
    for rule in one.places:
        typer.echo(f"{file}: {rule.rule} can apply in {'; '.join(rule.where) or 'no case'}")
    counts = {level: sum(remark.level == level for remark in remarks) for level in colours}
    typer.echo(
        f"{file}: "
        + ", ".join(f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items())
    )
