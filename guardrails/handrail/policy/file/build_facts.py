"""Builds fact declarations from a file and reports keys that do not fit together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from handrail.policy.file.schema import FactShape
from handrail.policy.language import sources
from handrail.policy.language.facts import WEEKDAYS, FactDeclaration, Kind, read_duration
from handrail.policy.language.grammar import RESERVED
from handrail.policy.language.hints import duration_problem
from handrail.policy.language.source_text import parse_source, parse_sources
from handrail.records import FaultKind
from handrail.text.suggest import near

_SOURCE_KINDS: Mapping[type, frozenset[Kind]] = {
    sources.ToolName: frozenset({Kind.ONE_OF, Kind.TEXT}),
    sources.ToolKind: frozenset({Kind.ONE_OF}),
    sources.InputFindings: frozenset({Kind.SET}),
    sources.OutputFindings: frozenset({Kind.SET}),
    sources.ToolFindings: frozenset({Kind.SET}),
    sources.ResultFindings: frozenset({Kind.SET}),
    sources.ResultAmounts: frozenset({Kind.MONEY}),
    sources.SignalSeen: frozenset({Kind.YES_NO}),
    sources.InputLanguage: frozenset({Kind.ONE_OF}),
    sources.InputSmallTalk: frozenset({Kind.YES_NO}),
    sources.InputTopics: frozenset({Kind.SET}),
    sources.ActionCameFrom: frozenset({Kind.ONE_OF}),
    sources.ActionAskedByUser: frozenset({Kind.YES_NO}),
    sources.ConfidenceValue: frozenset({Kind.NUMBER}),
    sources.ConfidenceMin: frozenset({Kind.NUMBER}),
    sources.ConfidenceOf: frozenset({Kind.NUMBER}),
    sources.ConfidenceMissing: frozenset({Kind.ONE_OF}),
    sources.AnswerKind: frozenset({Kind.ONE_OF}),
    sources.Ungrounded: frozenset({Kind.WHOLE, Kind.NUMBER}),
    sources.FaultSeen: frozenset({Kind.ONE_OF, Kind.TEXT}),
    sources.StatedBy: frozenset(
        {
            Kind.MONEY,
            Kind.DURATION,
            Kind.DATE,
            Kind.PERCENT,
            Kind.NUMBER,
            Kind.WHOLE,
            Kind.YES_NO,
            Kind.ONE_OF,
        }
    ),
    sources.Conversation: frozenset({Kind.YES_NO}),
    sources.Provenance: frozenset({Kind.ONE_OF}),
}
GIVEN_VALUES: Mapping[type, tuple[str, ...]] = {
    sources.ToolKind: ("reads", "acts", "undeclared"),
    sources.Provenance: ("tool_result", "user_text", "both", "nowhere"),
    sources.InputLanguage: ("en", "de", "es", "fr", "unknown"),
    sources.ActionCameFrom: ("user_text", "tool_result", "untrusted_text", "nowhere"),
    sources.FaultSeen: ("none", *(str(kind) for kind in FaultKind)),
    sources.ConfidenceMissing: ("none", "not_asked", "none_came", "too_few"),
    sources.AnswerKind: ("text", "tool_calls", "both", "empty"),
}
"""Sources whose values are fixed: a one-of fact from such a source need not list them."""

SUMS = frozenset({Kind.MONEY, Kind.NUMBER, Kind.WHOLE})

Problem = Callable[[str, str | None], None]
"""Takes what is wrong with a fact and the key it is wrong at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFact:
    """One fact as the file declares it, with a way to say what is wrong with it."""

    name: str
    shape: FactShape
    line: int
    problem: Problem


def declare(fact: RawFact) -> FactDeclaration | None:
    """Return the declaration, None after a problem."""
    source = _source(fact)
    if source is None or not _name_fits(fact) or not _keys_fit(fact, source):
        return None
    shape = fact.shape
    values = _values(fact, source)
    limits = _limit(fact, "min", shape.min), _limit(fact, "max", shape.max)
    currency_from = _currency(fact)
    if values is None or None in limits:
        return None
    return FactDeclaration(
        name=fact.name,
        type=shape.type,
        source=source,
        optional=shape.optional,
        values=values,
        currencies=tuple(shape.currencies or ()),
        currency_from=currency_from,
        unit=shape.unit.removesuffix("s") if shape.unit else None,
        least=_bound(limits[0]),
        most=_bound(limits[1]),
        line=fact.line,
    )


def _currency(fact: RawFact) -> sources.Source | None:
    text = fact.shape.currency
    found = parse_sources(text) if isinstance(text, list) else parse_source(text or "")
    if text and found is None:
        hint = near(text, sources.FORMS) if isinstance(text, str) else ""
        fact.problem(f"'{text}' is not a source{hint}", "currency")
    return found


def _name_fits(fact: RawFact) -> bool:
    first = fact.name.partition(".")[0]
    if first in RESERVED:
        fact.problem(f"'{first}' is a reserved word; a fact's name cannot begin with it", None)
    return first not in RESERVED


def _source(fact: RawFact) -> sources.Source | None:
    text = fact.shape.from_
    if fact.shape.says is not None:
        return _stated(fact)
    if isinstance(text, list):
        found = parse_sources(text)
        if found is None:
            fact.problem(
                "a list names one argument of each tool, e.g. [pay.args.sum, refund.args.amount]", "from"
            )
        return found
    match text:
        case None:
            return parse_source(fact.name) or sources.Caller()
        case "ledger":
            return _ledger(fact)
        case "conversation":
            after = fact.shape.after or ""
            if after != "user_yes" and not (after.startswith("tool.") and len(after) > len("tool.")):
                fact.problem("`from: conversation` needs `after: user_yes` or `after: tool.<name>`", "from")
                return None
            return sources.Conversation(after=after)
        case "provenance":
            if not fact.shape.of:
                fact.problem("`from: provenance` needs `of:` with a fact's name", "from")
                return None
            return sources.Provenance(of=fact.shape.of)
    source = parse_source(text)
    if source is None:
        threshold = sources.threshold_hint(text)
        said = (
            f"'{text}' is not a source{near(text, sources.FORMS)}"
            if threshold is None
            else f"{text} {threshold}"
        )
        fact.problem(said, "from")
    return source


def _stated(fact: RawFact) -> sources.Source | None:
    says = tuple(dict.fromkeys(word.strip() for word in fact.shape.says or ()))
    if fact.shape.from_ is not None:
        fact.problem("a fact with `says:` comes from the answer; leave `from:` out", "from")
        return None
    if not says or not all(any(mark.isalnum() for mark in word) for word in says):
        fact.problem("`says:` needs words that stand next to the value, e.g. [refund, money back]", "says")
        return None
    return sources.StatedBy(fact=fact.name, says=says, second_reader=bool(fact.shape.second_reader))


def _ledger(fact: RawFact) -> sources.Source | None:
    shape = fact.shape
    window = read_duration(shape.within) if shape.within else None
    if window is None or window <= timedelta():
        said = duration_problem(shape.within, "30 days")
        fact.problem(f"`from: ledger` needs `within:`; {said}", "within")
        return None
    if shape.where is None or shape.per is None:
        fact.problem("`from: ledger` needs `where:` (a tool) and `per:` (customer …)", "from")
        return None
    if bool(shape.sum) is bool(shape.count):
        fact.problem("`from: ledger` needs either `sum:` (a fact) or `count: true`", "from")
        return None
    if shape.count and shape.type is not Kind.WHOLE:
        fact.problem("a count is a whole number", "type")
        return None
    if shape.sum and shape.type not in SUMS:
        fact.problem(f"{shape.type} cannot be added up", "type")
        return None
    return sources.Ledger(
        kind="sum" if shape.sum else "count",
        tool=shape.where,
        amount=shape.sum or "",
        per=shape.per,
        within=window,
    )


_KEYS_OF: Mapping[str, tuple[type | Kind, ...]] = {
    "sum": (sources.Ledger,),
    "count": (sources.Ledger,),
    "where": (sources.Ledger,),
    "per": (sources.Ledger,),
    "within": (sources.Ledger,),
    "after": (sources.Conversation,),
    "of": (sources.Provenance,),
    "says": (sources.StatedBy,),
    "second_reader": (sources.StatedBy,),
    "currencies": (Kind.MONEY,),
    "currency": (Kind.MONEY,),
    "unit": (Kind.DURATION,),
    "values": (Kind.ONE_OF, Kind.SET),
    "min": (Kind.NUMBER, Kind.WHOLE, Kind.DURATION),
    "max": (Kind.NUMBER, Kind.WHOLE, Kind.DURATION),
}


def _keys_fit(fact: RawFact, source: sources.Source) -> bool:
    kind = fact.shape.type
    fits = _SOURCE_KINDS.get(type(source))
    if isinstance(source, sources.Clock):
        fits = frozenset({Kind.TIME if source.field == "time" else Kind.WEEKDAY})
    if fits is not None and kind not in fits:
        fact.problem(f"this source gives {' or '.join(sorted(fits))}, not {kind}", "type")
        return False
    for key, owners in _KEYS_OF.items():
        if getattr(fact.shape, key) is not None and kind not in owners and type(source) not in owners:
            fact.problem(f"'{key}' does not apply to {kind} from this source", key)
            return False
    if kind is Kind.MONEY and not fact.shape.currencies:
        fact.problem("a money fact needs `currencies:`, e.g. [USD]", "type")
        return False
    return True


def _values(fact: RawFact, source: sources.Source) -> tuple[str, ...] | None:
    given, kind = fact.shape.values, fact.shape.type
    if kind is Kind.WEEKDAY:
        return WEEKDAYS
    fixed = GIVEN_VALUES.get(type(source))
    if kind is Kind.ONE_OF and fixed is not None:
        odd = next((value for value in given or () if value not in fixed), None)
        if odd is not None:
            fact.problem(f"'{odd}' is never given by this source{near(odd, fixed)}", "values")
        return tuple(given or fixed)
    if kind in (Kind.ONE_OF, Kind.SET) and not given:
        fact.problem(f"{kind} needs `values:`", "type")
        return None
    values = tuple(dict.fromkeys(given or ()))
    if len(values) != len(given or ()):
        fact.problem("a value is listed twice", "values")
    return values


class _NoLimit:
    pass


def _limit(fact: RawFact, key: str, raw: object) -> Decimal | timedelta | _NoLimit | None:
    if raw is None:
        return _NoLimit()
    if fact.shape.type is Kind.DURATION:
        value = read_duration(raw) if isinstance(raw, str) else None
        if value is None:
            fact.problem(duration_problem(raw, "30 days"), key)
        return value
    if isinstance(raw, int | Decimal) and not isinstance(raw, bool):
        return Decimal(raw)
    fact.problem("write a number", key)
    return None


def _bound(limit: Decimal | timedelta | _NoLimit | None) -> Decimal | timedelta | None:
    return None if isinstance(limit, _NoLimit) else limit
