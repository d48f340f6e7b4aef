"""Builds the parts of a policy from its file and collects every problem on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from string import Formatter
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from handrail.errors import PolicyError
from handrail.policy.file.build_compared import compared_in
from handrail.policy.file.build_facts import RawFact, declare
from handrail.policy.file.document import Document, Path
from handrail.policy.file.schema import PolicyShape, RoleShape
from handrail.policy.language import sources
from handrail.policy.language.ast import ExpressionError
from handrail.policy.language.compile import compile_test
from handrail.policy.language.facts import FactDeclaration, Kind, read_duration
from handrail.policy.language.grammar import OTHER_THAN
from handrail.policy.language.hints import duration_problem
from handrail.policy.language.ir import Always, Formula, Not, facts_of
from handrail.policy.language.parse import parse, read_expression
from handrail.policy.language.scope import EVERYWHERE, Scopes, within_scope
from handrail.policy.runtime.roles import RolePlan, covering
from handrail.policy.runtime.rules import Condition
from handrail.records import FactValue, Stage
from handrail.text.suggest import near

FIELDS = ("role", "due", "ticket")

DEFAULTS: Mapping[str, str] = {
    "hand_off": "I have passed this to a colleague ({role}), who will decide by {due}. Reference: {ticket}.",
    "pending": "A colleague ({role}) is still on this and will answer by {due}. Reference: {ticket}.",
    "human": "A colleague ({role}) has taken over this conversation. Reference: {ticket}.",
    "blocked": "I am not able to do that.",
    "emergency": "If this is an emergency, call your local emergency number now.",
    "no_reviewer": "Nobody is available right now. Your request is kept and will be decided by {due}.",
    "timed_out": "Nobody could decide in time, so nothing was done. Reference: {ticket}.",
    "approved": "A colleague has approved this. Reference: {ticket}.",
    "rejected": "A colleague has decided not to go ahead. Reference: {ticket}.",
    "failed": "The approved action did not go through. Reference: {ticket}.",
}


def notice_problem(kind: str, text: str, *, own: frozenset[str] = frozenset()) -> str | None:
    """Return what is wrong with a notice, None if nothing is; `own` are names that rules ask for. Pure."""
    if kind not in DEFAULTS and kind not in own:
        return f"unknown notice '{kind}'{near(kind, tuple(DEFAULTS))}"
    try:
        fields = [
            field for _, field, form, turn in Formatter().parse(text) if field is not None or form or turn
        ]
        plain = all(form in ("", None) and turn is None for _, _, form, turn in Formatter().parse(text))
    except ValueError:
        return "a brace that is not closed"
    allowed = ", ".join(f"{{{field}}}" for field in FIELDS)
    odd = next((field for field in fields if field and field not in FIELDS), None)
    if odd is not None:
        meant = next((field for field, words in _MEANT.items() if odd.lower() in words), None)
        hint = f"; write {{{meant}}}" if meant is not None else near(odd, FIELDS)
        return f"there is no {{{odd[:40]}}}{hint}; a notice may contain only {allowed}"
    return None if plain and all(fields) else f"a notice may contain only {allowed}"


_MEANT: Mapping[str, tuple[str, ...]] = {
    "due": ("deadline", "time", "when", "date", "until", "by", "eta", "answer_within", "due_at", "due_date"),
    "ticket": ("id", "reference", "ref", "case", "number", "ticket_id", "ticket.id", "case_id", "code"),
    "role": ("team", "person", "name", "department", "who", "colleague", "owner", "to", "agent"),
}


Artefact: TypeAlias = tuple[Decimal, str]
"""A calibrated threshold and the sha256 of its file."""

_ORDER = tuple(Stage)
_NEVER = Always(False)


@dataclass(slots=True)
class PolicyBuilder:
    """A policy being built from a document; collects problems with their places."""

    document: Document
    shape: PolicyShape
    problems: list[PolicyError] = field(default_factory=list)
    facts: dict[str, FactDeclaration] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    uncalibrated: frozenset[str] = frozenset()
    scopes: Scopes = EVERYWHERE

    def problem(self, text: str, path: Path, *, at_key: bool = False) -> None:
        """Note a problem at a path."""
        self.problems.append(self.document.error(text, path, at_key=at_key))

    def role(self, name: str | None, path: Path) -> str | None:
        """Return a role's name, noting a problem if the policy has no such role."""
        if name is not None and name not in self.shape.roles:
            self.problem(f"role '{name}' is not declared{near(name, self.shape.roles)}", path)
        return name

    def condition(self, text: str | bool, path: Path, *, is_negated: bool = False) -> Condition:
        """Compile an expression; after a problem the condition is never true.

        Args:
            text: the expression.
            path: where it stands.
            is_negated: compile its negation.
        """
        line = self.document.position(path).line
        if isinstance(text, bool):
            words = "true" if text else "false"
            return self.compiled(Always(text is not is_negated), words, line)
        try:
            formula = self._formula(text)
        except ExpressionError as error:
            self.problems.append(self._misread(error, text, path))
            return self.compiled(_NEVER, text, line)
        return self.compiled(Not(formula) if is_negated else formula, text, line)

    def _formula(self, text: str) -> Formula:
        compared = compared_in(parse(text), self.facts) if OTHER_THAN.strip() in text else ()
        for one in tuple(compared):
            name = one.declaration.name
            self.facts[name] = one.declaration
            if one.of in self.scopes.tools:
                tools = {**self.scopes.tools, name: self.scopes.tools[one.of]}
                self.scopes = replace(self.scopes, tools=tools)
        return read_expression(text, self.facts)

    def compiled(self, formula: Formula, text: str, line: int) -> Condition:
        """Return a formula as a condition; what is said of facts that do not apply does not hold."""
        formula = within_scope(formula, self.scopes)
        reads = self._with_compared(facts_of(formula))
        return Condition(
            text=text,
            formula=formula,
            test=compile_test(formula),
            reads=reads,
            stage=latest_stage(self.facts[name].stage for name in reads),
            line=line,
            scopes=self.scopes,
        )

    def _with_compared(self, reads: tuple[str, ...]) -> tuple[str, ...]:
        behind: list[str] = []
        for name in reads:
            source = self.facts[name].source
            if isinstance(source, sources.OtherThan):
                behind += [source.found, source.of]
        return tuple(dict.fromkeys((*reads, *behind)))

    def _misread(self, error: ExpressionError, text: str, path: Path) -> PolicyError:
        position = self.document.position(path)
        line, column = position.line, position.column + error.at
        if position.is_block:
            line, column = position.line + 1 + text.count("\n", 0, error.at), 1
        problem = error.with_caret(text)
        return PolicyError(problem, file=self.document.file, line=line, column=column)


def latest_stage(stages: Any) -> Stage:
    """Return the latest of some stages, `input` of none; pure."""
    return max(stages, key=_ORDER.index, default=Stage.INPUT)


def build_roles(builder: PolicyBuilder) -> dict[str, RolePlan]:
    """Return the roles with their deadlines and backups."""
    plans = {}
    for name, given in builder.shape.roles.items():
        path: Path = ("roles", name)
        shape = given or RoleShape()
        if not name.isascii() or not name.replace("_", "a").isalnum() or name != name.lower():
            builder.problem(f"role '{name}' is not snake_case, e.g. finance_lead", path, at_key=True)
        within = read_duration(shape.answer_within) if shape.answer_within is not None else None
        if shape.answer_within is not None and (within is None or within.total_seconds() <= 0):
            problem = duration_problem(shape.answer_within, "30 minutes")
            builder.problem(problem, (*path, "answer_within"))
        if shape.backup == name:
            builder.problem(f"{name} cannot be its own backup", (*path, "backup"))
        plans[name] = RolePlan(
            name=name,
            answer_within=within,
            backup=builder.role(shape.backup, (*path, "backup")),
            covers=tuple(
                covered
                for n, role in enumerate(shape.covers)
                if (covered := builder.role(role, (*path, "covers", n)))
            ),
            hours=shape.hours,
            holidays=shape.holidays,
            capacity_per_day=shape.capacity_per_day,
            sees=frozenset(shape.sees) if shape.sees is not None else None,
            readback=shape.readback or "",
            answer_first=shape.answer_first,
            seeded_cases=shape.seeded_cases,
            means=shape.means,
            line=builder.document.position(path, at_key=True).line,
        )
    for name in plans:
        if name in covering(name, plans):
            builder.problem(f"{name} covers itself, directly or by way of others", ("roles", name, "covers"))
    return plans


def build_moves(builder: PolicyBuilder) -> dict[str, str]:
    """Return where open tickets go from each role of an earlier version, nothing if they are not moved."""
    moves = builder.shape.on_change
    if isinstance(moves, str):
        return {}
    for old, new in moves.move.items():
        builder.role(new, ("on_change", "move", old))
    return dict(moves.move)


def build_facts(builder: PolicyBuilder, artefacts: Mapping[str, Artefact | None]) -> dict[str, FactValue]:
    """Declare every fact; returns the values of calibrated thresholds by fact name."""
    for name, shape in builder.shape.facts.items():
        path: Path = ("facts", name)

        def problem(text: str, key: str | None, path: Path = path) -> None:
            builder.problem(text, (*path, key) if key else path, at_key=key is None)

        line = builder.document.position(path, at_key=True).line
        declaration = declare(RawFact(name=name, shape=shape, line=line, problem=problem))
        # A fact that is wrong still counts as declared, so that one mistake is one message.
        builder.facts[name] = declaration or FactDeclaration(
            name=name,
            type=shape.type,
            values=tuple(shape.values or ()),
            currencies=tuple(shape.currencies or ()),
        )
    _check_references(builder)
    return _thresholds(builder, artefacts)


def _check_references(builder: PolicyBuilder) -> None:
    for name, fact in builder.facts.items():
        match fact.source:
            case sources.Ledger(amount=amount) if amount:
                other = builder.facts.get(amount)
                if other is None:
                    hint = near(amount, builder.facts)
                    builder.problem(f"fact '{amount}' is not declared{hint}", ("facts", name, "sum"))
                elif other.type is not fact.type or (
                    other.currencies and not (set(fact.currencies) & set(other.currencies))
                ):
                    builder.problem(f"{amount} is {other.type}, not {fact.type}", ("facts", name, "sum"))
            case sources.Provenance(of=of) if of not in builder.facts:
                builder.problem(
                    f"fact '{of}' is not declared{near(of, builder.facts)}", ("facts", name, "of")
                )
            case _:
                pass


def _thresholds(builder: PolicyBuilder, artefacts: Mapping[str, Artefact | None]) -> dict[str, FactValue]:
    values: dict[str, FactValue] = {}
    missing = []
    for name in builder.shape.thresholds:
        fact = sources.MODEL_THRESHOLD if name == "answer" else f"{sources.MODEL_THRESHOLD}.{name}"
        if fact in builder.facts:
            builder.problem(
                f"{fact} comes from `thresholds:` and is not declared", ("facts", fact), at_key=True
            )
        builder.facts[fact] = FactDeclaration(
            name=fact, type=Kind.NUMBER, source=sources.Threshold(name=name), line=0
        )
        artefact = artefacts.get(name)
        if artefact is None:
            missing.append(fact)
        else:
            values[fact] = artefact[0]
    builder.uncalibrated = frozenset(missing)
    return values


def build_notices(builder: PolicyBuilder) -> dict[str, str]:
    """Return every notice, defaults filled in."""
    own = frozenset(rule.notice for rule in builder.shape.hand_offs if rule.notice is not None)
    for kind, text in builder.shape.notices.items():
        problem = notice_problem(kind, text, own=own)
        if problem is not None:
            builder.problem(problem, ("notices", kind), at_key=kind not in DEFAULTS)
    notices = {**DEFAULTS, **builder.shape.notices}
    for index, rule in enumerate(builder.shape.hand_offs):
        if rule.notice is not None and rule.notice not in notices:
            hint = near(rule.notice, notices)
            builder.problem(f"unknown notice '{rule.notice}'{hint}", ("hand_offs", index, "notice"))
    return notices


def build_scan(builder: PolicyBuilder) -> dict[str, Any]:
    """Return what is added to the scanner, as plain data; each entity with its place in the file."""
    scan = builder.shape.scan
    entities = []
    for index, entity in enumerate(scan.entities):
        position = builder.document.position(("scan", "entities", index))
        entities.append(
            {
                **entity.model_dump(exclude_unset=True),
                "at": (builder.document.file, position.line, position.column),
            }
        )
    settings: dict[str, Any] = {
        "entities": entities,
        "allow": list(scan.allow),
        "deny": [{"value": deny} if isinstance(deny, str) else deny.model_dump() for deny in scan.deny],
        "enable": list(scan.enable),
        "disable": list(scan.disable),
    }
    if scan.redaction != "label":
        settings["redaction"] = scan.redaction
    if scan.floor is not None:
        settings["floor"] = float(scan.floor)
    if scan.tagger is not None:
        settings["tagger"] = scan.tagger
    return settings


def check_time_zone(builder: PolicyBuilder) -> None:
    """Note a problem if the time zone does not exist."""
    try:
        ZoneInfo(builder.shape.time_zone)
    except (KeyError, ValueError, OSError):
        builder.problem(
            f"'{builder.shape.time_zone[:60]}' is not a time zone, e.g. Europe/Madrid", ("time_zone",)
        )


def duplicates(names: Sequence[str]) -> frozenset[str]:
    """Return the names that occur more than once; pure."""
    seen: set[str] = set()
    return frozenset(name for name in names if name in seen or seen.add(name))  # type: ignore[func-returns-value]
