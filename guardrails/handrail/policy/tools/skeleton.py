"""Makes a policy with its tests from a table of situations, without a model; what was guessed is marked."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from handrail.errors import ConfigError
from handrail.policy.file.cases import run_cases
from handrail.policy.file.load import loads
from handrail.policy.language.facts import read_duration
from handrail.policy.language.format import format_value
from handrail.policy.language.grammar import RESERVED
from handrail.policy.language.hints import duration_hint
from handrail.records import FactValue, Money
from handrail.text.amounts import read_amounts

COLUMNS = ("situation", "limit", "role", "because", "example")

_HEARD: Sequence[tuple[str, str, str]] = (
    (r"asks? for (a )?(human|person|somebody|agent)|wants? (a )?(human|person)", "signal.asks_for_human", ""),
    (r"complain|complaint", "signal.complaint", ""),
    (r"dispute|says .*wrong|disagree", "signal.dispute", ""),
    (r"emergency|self.harm|suicid", "signal.emergency", ""),
    (r"legal threat|lawyer|sue\b|lawsuit", "signal.legal_threat", ""),
    (r"prompt injection|injection", "signal.injection", ""),
    (r"health|medical|illness|diagnos", "input.findings", "health"),
    (r"\blegal\b", "input.findings", "legal"),
    (r"personnel|employee record", "input.findings", "personnel"),
    (r"\bcards?\b|credit card", "input.findings", "card"),
    (r"iban|bank account", "input.findings", "iban"),
    (r"password|credential|api key|secret", "input.findings", "credential"),
    (r"confiden|unsure answer|doubtful", "confidence", ""),
)
"""Words of a situation, the fact that tells of it, and for a set the item."""

_TOOL = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
_BELOW = re.compile(r"<|\b(under|below|less|fewer|before|younger)\b")
_WITH_LIMIT = re.compile(r"[<>≤≥]=|[≤≥]|\b(at least|at most|from|up to)\b")
_SMALL_WORDS = frozenset(
    {
        *("a", "an", "the", "of", "for", "to", "in", "on", "by", "with", "over", "above"),
        *("below", "under", "any", "all", "and", "or", "is", "are"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One row of a table: a situation with its limit, the role that decides, why, and an example."""

    situation: str
    limit: str = ""
    role: str = ""
    because: str = ""
    example: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """A row as a rule: the fact it reads, its condition, and facts for which it is true."""

    id: str
    row: Situation
    role: str
    fact: str
    declared: str
    when: str
    given: str
    tool: str = ""
    bound: Decimal | None = None
    example: FactValue | None = None
    guessed: str = ""


def read_table(text: str) -> tuple[Situation, ...]:
    """Read a table as CSV with the columns situation, limit, role, because, example, in any order; pure.

    Raises:
        ConfigError: a column is missing or unknown, or a row has no situation or role.
    """
    sample = text.splitlines()[0] if text.strip() else ""
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), delimiter=";" if ";" in sample else ",")
    named = [str(name).strip().lower() for name in rows.fieldnames or ()]
    odd = [name for name in named if name not in COLUMNS]
    if odd or not {"situation", "role"} <= set(named):
        raise ConfigError(
            f"a table has the columns {', '.join(COLUMNS)}; this one has {', '.join(named) or 'none'}"
        )
    found = []
    for row in rows:
        cells = {
            str(key).strip().lower(): (value or "").strip() for key, value in row.items() if key is not None
        }
        if not any(cells.values()):
            continue
        if not cells.get("situation") or not cells.get("role"):
            raise ConfigError(f"line {rows.line_num}: a row needs a situation and a role")
        found.append(Situation(**cells, line=rows.line_num))
    if not found:
        raise ConfigError("the table has no rows")
    return tuple(found)


def skeleton(rows: Sequence[Situation], *, name: str = "new-policy") -> str:
    """Return the text of a policy made from a table; it loads, and its tests pass. Pure.

    Raises:
        ConfigError: a limit cannot be read.
    """
    rules = _in_bands([_rule(row, number) for number, row in enumerate(rows, 1)])
    text = "\n".join(_lines(rules, name)) + "\n"
    failing = [result.case.name for result in run_cases(loads(text)) if not result.is_passed]
    if failing:
        raise ConfigError(f"the table contradicts itself in: {'; '.join(failing)}")
    return text


def _rule(row: Situation, number: int) -> _Rule:
    id_ = f"{_slug(row.situation, '-') or 'situation'}-{number}"
    role = _slug(row.role, "_")
    if not re.match(r"[a-z]", role):
        raise ConfigError(f"line {row.line}: '{row.role}' is no name of a role, e.g. finance lead")
    words = row.situation.lower()
    tool = next(iter(_TOOL.findall(row.situation)), "")
    heard = next(((fact, item) for form, fact, item in _HEARD if re.search(form, words)), None)
    if row.limit:
        if heard is not None and heard[0] == "confidence":
            return _confidence(row, id_, role)
        return _limited(row, id_, role, tool)
    if tool:
        when = f'tool.name == "{tool}"'
        given = f"tool.name: {tool}"
        return _Rule(id=id_, row=row, role=role, fact="", declared="", when=when, given=given, tool=tool)
    if heard is not None and heard[0] != "confidence":
        return _heard(row, id_, role, *heard)
    fact = _slug(row.situation, "_") or f"situation_{number}"
    return _Rule(
        id=id_,
        row=row,
        role=role,
        fact=fact,
        declared=f"{{type: yes/no, from: context.{fact}}}",
        when=fact,
        given=f"{fact}: yes",
        guessed="your program states it: guard.context(facts={…})",
    )


def _heard(row: Situation, id_: str, role: str, fact: str, item: str) -> _Rule:
    if item:
        declared, when, given = "{type: set, values: [ITEMS]}", f'{fact} has "{item}"', f"{fact}: [{item}]"
    else:
        declared, when, given = "{type: yes/no}", fact, f"{fact}: yes"
    return _Rule(id=id_, row=row, role=role, fact=fact, declared=declared, when=when, given=given)


def _confidence(row: Situation, id_: str, role: str) -> _Rule:
    share = _share(row.limit)
    if share is None or not 0 < share <= 1:
        raise ConfigError(f"line {row.line}: '{row.limit}' is no share, e.g. 0.7 or 70%")
    return _Rule(
        id=id_,
        row=row,
        role=role,
        fact="confidence",
        declared="{type: number, min: 0, max: 1, optional: true}",
        when=f"confidence is known and confidence < {share}",
        given=f"confidence: {share / 2}",
    )


def _limited(row: Situation, id_: str, role: str, tool: str) -> _Rule:
    value = _limit(row.limit)
    if value is None:
        cure = duration_hint(row.limit) or "write e.g. 200 USD, 30 days or 5"
        raise ConfigError(f"line {row.line}: the limit '{row.limit}' cannot be read; {cure}")
    is_below = bool(_BELOW.search(row.limit.lower()))
    operator = ("<" if is_below else ">") + ("=" if _WITH_LIMIT.search(row.limit.lower()) else "")
    subject = tool or _slug(row.situation, "_")
    kind, unit = ("number", "value")
    if isinstance(value, Money):
        kind, unit = f"money, currencies: [{value.currency}]", "amount"
    elif not isinstance(value, Decimal):
        kind, unit = "duration", "age"
    is_argument = bool(tool) or isinstance(value, Money)
    source = f"{subject}.args.{unit}" if is_argument else f"context.{subject}_{unit}"
    fact = f"{subject}.{unit}"
    shown = format_value(value)
    example = _example(row, value, is_below=is_below)
    return _Rule(
        id=id_,
        row=row,
        role=role,
        fact=fact,
        declared=f"{{type: {kind}, from: {source}}}",
        when=f"{fact} {operator} {shown}",
        given=f"{fact}: {format_value(example)}",
        example=example,
        tool=subject if is_argument else "",
        bound=_size(value) if operator == ">" else None,
        guessed=_guess(tool, subject, unit, is_argument=is_argument),
    )


def _guess(tool: str, subject: str, unit: str, *, is_argument: bool) -> str:
    if not is_argument:
        return "your program states it: guard.context(facts={…})"
    words = f"the argument is called `{unit}`?"
    return words if tool else f"the tool is called `{subject}`, {words}"


def _limit(text: str) -> FactValue | None:
    amounts = read_amounts(text)
    if amounts and amounts[0].money is not None:
        return amounts[0].money
    span = re.search(r"\d+(\.\d+)?\s*[A-Za-z]+", text)
    duration = read_duration(span[0]) if span else None
    return duration if duration is not None else _share(text) if not span else None


def _share(text: str) -> Decimal | None:
    match = re.search(r"(\d+(?:\.\d+)?)\s*(%)?", text)
    try:
        return None if match is None else Decimal(match[1]) / (100 if match[2] else 1)
    except InvalidOperation:
        return None


def _size(value: FactValue) -> Decimal:
    if isinstance(value, Money):
        return value.amount
    if isinstance(value, timedelta):
        return Decimal(str(value.total_seconds()))
    return value if isinstance(value, Decimal) else Decimal(0)


def _example(row: Situation, value: FactValue, *, is_below: bool) -> FactValue:
    """Return a value for which the rule is true: the example's if it is one, else one beyond the limit."""
    said = _limit(row.example) if row.example else None
    if type(said) is type(value) and said is not None:
        same = not isinstance(value, Money) or (isinstance(said, Money) and said.currency == value.currency)
        if same and ((_size(said) < _size(value)) if is_below else (_size(said) > _size(value))):
            return said
    size = _size(value)
    return _sized(size / 2 if is_below else size * 2 if size else Decimal(1), value)


def _sized(size: Decimal, like: FactValue) -> FactValue:
    """Return a size as a value of the same kind as another."""
    if isinstance(like, Money):
        return Money(amount=size, currency=like.currency)
    return timedelta(seconds=float(size)) if isinstance(like, timedelta) else size


def _in_bands(rules: Sequence[_Rule]) -> list[tuple[_Rule, str]]:
    """Return each rule with its condition; of several limits on one fact each reaches up to the next."""
    found = []
    for rule in rules:
        above = [other for other in rules if other.fact == rule.fact and other.bound is not None]
        higher = [one for one in above if rule.bound is not None and (one.bound or 0) > rule.bound]
        upper = min(higher, key=lambda one: one.bound or 0, default=None)
        if upper is None or upper.bound is None or rule.bound is None or rule.example is None:
            found.append((rule, rule.when))
            continue
        given = rule.given
        if _size(rule.example) > upper.bound:
            inside = _sized((rule.bound + upper.bound) / 2, rule.example)
            given = f"{rule.fact}: {format_value(inside)}"
        when = f"{rule.when} and {upper.when.replace('>', '<=', 1)}"
        found.append((replace(rule, given=given), when))
    return found


def _lines(rules: Sequence[tuple[_Rule, str]], name: str) -> Iterator[str]:
    yield "# Made from a table. `check:` marks a guess; `handrail policy check` says what is missing."
    yield f"policy: {_slug(name, '-') or 'new-policy'}"
    yield 'version: "1"'
    yield "# Decides what is unknown or not covered. check: is it the right role?"
    owner = "process_owner"
    yield f"if_unsure: {owner}"
    yield "on_conflict: {to: process_owner}"
    yield ""
    yield "roles:"
    roles = list(dict.fromkeys(rule.role for rule, _ in rules if rule.role != owner))
    for role in roles:
        yield f"  {role}: {{answer_within: 4 hours, backup: {owner}}}"
    yield f"  {owner}: {{answer_within: 1 days{f', backup: {roles[0]}' if roles else ''}}}"
    tools = list(dict.fromkeys(rule.tool for rule, _ in rules if rule.tool))
    if tools:
        yield ""
        yield "# Every tool of your program, `reads` if it changes nothing. check: which are missing?"
        yield "tools:"
        yield from (f"  {tool}: acts" for tool in tools)
        yield "unlisted: hand_off"
    yield from _facts([rule for rule, _ in rules])
    yield ""
    yield "hand_offs:"
    for rule, when in rules:
        yield f"  - id: {rule.id}"
        yield f"    when: {_quoted(when)}"
        yield f"    to: {rule.role}"
        yield f"    because: {_quoted(rule.row.because or rule.row.situation)}"
    yield ""
    yield "tests:"
    for rule, _ in rules:
        title = f"{rule.row.situation}: {rule.row.example or rule.given}"
        yield f"  - name: {_quoted(title)}"
        yield f"    given: {{{rule.given}}}"
        yield f"    expect: {{rules: [{rule.id}]}}"


def _facts(rules: Sequence[_Rule]) -> Iterator[str]:
    declared: dict[str, tuple[str, str]] = {}
    items: dict[str, dict[str, None]] = {}
    for rule in rules:
        if not rule.fact:
            continue
        held = re.search(r'has "([^"]+)"', rule.when)
        items.setdefault(rule.fact, {}).update({held[1]: None} if held else {})
        before = declared.get(rule.fact, (rule.declared, rule.guessed))
        if before[0] != rule.declared:
            raise ConfigError(f"line {rule.row.line}: {rule.fact} has limits of two kinds or currencies")
        declared[rule.fact] = before
    if declared:
        yield ""
        yield "facts:"
    for fact, (shape, guessed) in declared.items():
        mark = f"  # check: {guessed}" if guessed else ""
        yield f"  {fact}: {shape.replace('ITEMS', ', '.join(items[fact]))}{mark}"


def _slug(text: str, joint: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.lower())
    kept = [word for word in words if word not in _SMALL_WORDS] or words
    slug = joint.join(kept[:5])
    return f"n{joint}{slug}" if slug[:1].isdigit() or slug in RESERVED else slug


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"
