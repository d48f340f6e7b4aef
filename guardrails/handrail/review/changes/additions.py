"""What a proposal may add to the words of signals and to the scanner: it only widens what is heard and found.

Nothing of what stands there may go or change, and no level or floor is set. What is added must not hide what
was found before, and no rule may read it the other way round, so that more is let out. Pure.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from handrail.errors import ConfigError
from handrail.guard.opening import scanner_of, text_results
from handrail.policy import Policy
from handrail.policy.language.ir import And, Formula, Holds, Not, Or, Truth, atoms, facts_of
from handrail.policy.language.sources import SignalSeen
from handrail.scan import Scanner
from handrail.scan.catalogue import shipped

_GROWING_WORDS = ("words", "match", "not_match", "tools", "intents", "records")
_GROWING_SCAN = ("deny", "enable")
_TOPIC_ITEMS = {"financial": "finance_topic"}


def not_only_added(old: Policy, new: Policy) -> Iterator[str]:
    """Yield what a change does to words and entities besides adding to them; none where it only adds.

    Args:
        old: the policy in force.
        new: the new one.
    """
    if _plain(old) == _plain(new):
        return
    yield from _words(old, new)
    yield from _entities(old, new)
    yield from _read_otherwise(old, new)
    try:
        before, after = scanner_of(old), scanner_of(new)
        failing = [result.problem.problem for result in text_results(new) if not result.is_passed]
    except ConfigError as error:
        yield f"what is added cannot be used: {getattr(error, 'problem', None) or error}"
        return
    yield from _hidden(before, after)
    yield from failing


def _plain(policy: Policy) -> tuple[object, object]:
    """Return words and entities of a policy without their places in the file."""
    words = {
        name: {key: value for key, value in one.items() if key != "at"}
        for name, one in policy.signals.items()
    }
    scan: dict[str, Any] = dict(policy.scan)
    return words, scan | {"entities": _without_places(policy)}


def _without_places(policy: Policy) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in one.items() if key != "at"} for one in policy.scan.get("entities", ())
    ]


def _words(old: Policy, new: Policy) -> Iterator[str]:
    for name in dict.fromkeys([*old.signals, *new.signals]):
        before: Mapping[str, Any] = old.signals.get(name, {})
        after: Mapping[str, Any] = new.signals.get(name, {})
        if before.get("level") != after.get("level"):
            yield f"the level of {name} is not for a proposal to change"
        if any(not set(before.get(key, ())) <= set(after.get(key, ())) for key in _GROWING_WORDS):
            yield f"what {name} is heard by may be added to, and nothing taken away"


def _entities(old: Policy, new: Policy) -> Iterator[str]:
    before, after = _without_places(old), _without_places(new)
    added = [one for one in after if one not in before]
    if any(one not in after for one in before):
        yield "entities may be added, and none changed or taken away"
    known = {spec.type for spec in shipped()} | {one.get("type") for one in before}
    for name in sorted(str(one.get("type")) for one in added if one.get("type") in known):
        yield f"another entity is named {name} already, and would give way"
    for name in sorted(str(one.get("type")) for one in added if one.get("is_carrier")):
        yield f"{name} would take the place of what is found inside it"
    for key in dict.fromkeys([*old.scan, *new.scan]):
        left, right = old.scan.get(key), new.scan.get(key)
        if key == "entities" or left == right:
            continue
        if key not in _GROWING_SCAN or any(one not in (right or ()) for one in left or ()):
            yield f"`scan: {key}` is not for a proposal to change"


def _read_otherwise(old: Policy, new: Policy) -> Iterator[str]:
    """Yield the rules that read what is added so that less may be stopped."""
    heard = {name for name in new.signals if new.signals[name] != old.signals.get(name)}
    before = _without_places(old)
    added = [one for one in _without_places(new) if one not in before]
    denied = [one for one in new.scan.get("deny", ()) if one not in old.scan.get("deny", ())]
    items = {str(one.get(key)) for one in (*added, *denied) for key in ("type", "category")}
    items |= {str(item) for item in new.scan.get("enable", ()) if item not in old.scan.get("enable", ())}
    items |= heard | {_TOPIC_ITEMS[name] for name in heard if name in _TOPIC_ITEMS}
    facts = frozenset(
        name
        for name, fact in old.facts.items()
        if isinstance(fact.source, SignalSeen) and str(fact.source.kind) in heard
    )
    for rule in old.hand_offs:
        if _may_fall(rule.when.formula, facts, frozenset(items), is_turned=False):
            yield f"{rule.id} would stop less where it is heard or found"
    for name, decision in old.decisions.items():
        conditions = (decision.applies, *(rule.when for rule in decision.rules))
        if any(_reads(condition.formula, facts, frozenset(items)) for condition in conditions):
            yield f"the decision {name} reads it, and may then let something out"


def _may_fall(formula: Formula, facts: frozenset[str], items: frozenset[str], *, is_turned: bool) -> bool:
    """Tell whether a formula may become false when signals are heard or items found; conservative."""
    match formula:
        case Not(inner=inner):
            return _may_fall(inner, facts, items, is_turned=not is_turned)
        case And(parts=parts) | Or(parts=parts):
            return any(_may_fall(part, facts, items, is_turned=is_turned) for part in parts)
        case Truth(fact=fact):
            return is_turned and fact in facts
        case Holds(item=item):
            return is_turned and item in items
        case _:
            return bool(facts & set(facts_of(formula)))


def _reads(formula: Formula, facts: frozenset[str], items: frozenset[str]) -> bool:
    held = {atom.item for atom in atoms(formula) if isinstance(atom, Holds)}
    return bool(held & items or facts & set(facts_of(formula)))


def _hidden(before: Scanner, after: Scanner) -> Iterator[str]:
    """Yield types whose examples are no longer found as what they are: the new entity takes their place."""
    if before.spec == after.spec:
        return
    for spec in before.entities:
        for text in (*spec.match, *spec.terms):
            if not {one.type for one in before.scan(text)} <= {one.type for one in after.scan(text)}:
                yield f"what is {spec.type} would no longer be found as one"
                break
