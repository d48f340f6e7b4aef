"""Facts of one exchange: every declared fact that exists at a stage, typed, or unknown with its reason."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from handrail.pipeline.found import is_other
from handrail.pipeline.needs import NeedFacts, NeedHistory, Steps
from handrail.pipeline.readings import READERS, FactInputs, Reading
from handrail.policy import FactDeclaration, Policy
from handrail.policy.language import sources
from handrail.policy.language.facts import read_all
from handrail.records import FactValue, Money, Unknown
from handrail.text.stated_amounts import largest
from handrail.tickets.ports import LedgerQuery

Values = dict[str, FactValue]
Totals = dict[LedgerQuery, FactValue]


def gather(
    policy: Policy, declared: Sequence[FactDeclaration], inputs: FactInputs
) -> Steps[tuple[Values, Totals]]:
    """Return the facts in play at a stage, and the ledger totals among them by query.

    A fact that cannot exist here (a finding in the input of a call that no model proposed) is left out; one
    that should exist and cannot be had is `Unknown`.
    """
    reading = Reading(policy=policy, inputs=inputs)
    raw: dict[str, object] = {}
    currencies: dict[str, object] = {}
    others: list[FactDeclaration] = []
    for fact in declared:
        name, source = fact.name, fact.source
        if inputs.is_bare and isinstance(source, _OF_A_MODEL_CALL):
            continue
        if inputs.call is not None and not policy.scopes.applies_to(name, inputs.call.name):
            continue
        read = READERS.get(type(source))
        if read is None:
            others.append(fact)
            continue
        raw[name] = read(reading, source)
        if fact.currency_from is not None:
            currencies[name] = reading.raw(fact.currency_from)
    if not others and inputs.call is None:
        return read_all(declared, raw, currencies), {}
    return (yield from _gathered(others, declared, reading, raw, currencies))


def _gathered(
    others: Sequence[FactDeclaration],
    declared: Sequence[FactDeclaration],
    reading: Reading,
    raw: dict[str, object],
    currencies: Mapping[str, object],
) -> Steps[tuple[Values, Totals]]:
    """Return the facts as `gather` does, once those that are not read out of the call have been had."""
    policy, inputs = reading.policy, reading.inputs
    queries: dict[str, LedgerQuery] = {}
    asked: list[str] = []
    for fact in others:
        match fact.source:
            case sources.Caller():
                asked.append(fact.name)
            case sources.Ledger() as source:
                query = reading.query(fact.name, source)
                if isinstance(query, Unknown):
                    raw[fact.name] = query
                else:
                    queries[fact.name] = query
            case sources.ResultAmounts():
                raw[fact.name] = largest(inputs.sums, fact.currencies)
            case _:
                # A threshold is no value, and what is compared is known only when the others are.
                pass
    if asked:
        known = yield NeedFacts(names=tuple(asked), evidence=inputs.evidence)
        raw |= {name: known.get(name) for name in asked}
    values = read_all(declared, raw, currencies)
    values |= _compared(declared, values, inputs)
    totals: Totals = {}
    if queries:
        found = yield NeedHistory(queries=tuple(queries.values()))
        totals = {query: found.get(name, Unknown(why="missing")) for name, query in queries.items()}
        sums = {query.fact: _in_currency(policy, total, query, values) for query, total in totals.items()}
        values |= read_all(declared, sums, {})
    return values, totals


_OF_A_MODEL_CALL = (
    sources.InputFindings
    | sources.OutputFindings
    | sources.SignalSeen
    | sources.InputLanguage
    | sources.InputSmallTalk
    | sources.InputTopics
    | sources.ActionAskedByUser
    | sources.ActionCameFrom
    | sources.ConfidenceValue
    | sources.MeasuredConfidence
    | sources.AnswerKind
    | sources.Ungrounded
    | sources.StatedBy
    | sources.Said
    | sources.FaultSeen
    | sources.Conversation
)
"""Sources that exist only where a model was asked."""


def _compared(declared: Sequence[FactDeclaration], values: Values, inputs: FactInputs) -> Values:
    """Return whether what was found is another than a fact, where something can be found."""
    return {
        fact.name: is_other(
            fact.source,
            values.get(fact.source.of, Unknown(why="missing")),
            inputs.evidence,
            inputs.proposed,
        )
        for fact in declared
        if isinstance(fact.source, sources.OtherThan) and fact.source.found in values
    }


def _in_currency(policy: Policy, total: FactValue, query: LedgerQuery, values: Values) -> FactValue:
    """Give a sum over nothing the currency of what it would be added to."""
    currencies = policy.facts[query.fact].currencies
    if not isinstance(total, Decimal) or not currencies:
        return total
    present = values.get(query.amount)
    return Money(amount=total, currency=present.currency if isinstance(present, Money) else currencies[0])
