"""A decision as plain data, and back: a log keeps enough to take the same decision again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from handrail.policy.language.facts import OTHER_TEXT, Kind
from handrail.policy.runtime.merge import merge
from handrail.policy.runtime.policy import IF_UNSURE, Policy
from handrail.records import Decision, FactValue, Money, Reason, Stage, Unknown


def write_decision(decision: Decision, policy: Policy | None = None) -> dict[str, Any]:
    """Return a decision as JSON data; pure.

    Args:
        decision: the decision.
        policy: the policy it was taken under. With it, texts that no rule names are replaced by stand-ins, so
            that a log holds nobody's words; the same decision can still be taken again.
    """
    facts = decision.facts if policy is None else without_words(decision.facts, policy)
    return {
        "policy": {
            "name": decision.policy.name,
            "version": decision.policy.version,
            "sha256": decision.policy.sha256,
        },
        "stage": str(decision.stage),
        "effect": str(decision.effect),
        "role": decision.role,
        "co_approvers": list(decision.co_approvers),
        "answers": dict(decision.answers),
        "reasons": [write_reason(reason) for reason in decision.reasons],
        "shadow": [write_reason(reason) for reason in decision.shadow],
        "facts": {name: write_fact(value) for name, value in sorted(facts.items())},
    }


def without_words(facts: Mapping[str, FactValue], policy: Policy) -> dict[str, FactValue]:
    """Return facts with every text that no rule names replaced; equal texts get equal stand-ins. Pure.

    Rules compare texts with the words they name and with each other, so nothing they can tell is lost.
    """
    stand_ins: dict[str, str] = {}
    found: dict[str, FactValue] = {}
    for name, value in sorted(facts.items()):
        declaration = policy.facts.get(name)
        is_text = isinstance(value, str) and declaration is not None and declaration.type is Kind.TEXT
        if isinstance(value, str) and is_text and value not in policy.named_texts:
            found[name] = stand_ins.setdefault(value, f"{OTHER_TEXT}-{len(stand_ins) + 1}")
        else:
            found[name] = value
    return found


def write_parts(decision: Decision) -> list[dict[str, Any]]:
    """Return the decisions that one was merged from, each as what it takes to take it again; pure.

    One that a failed check left unsure rests on no facts; those with different causes get different numbers.
    """
    causes: dict[str, int] = {}
    found: list[dict[str, Any]] = []
    for part in decision.parts or (decision,):
        given = (*part.reasons, *part.shadow)
        if not part.facts and [reason.rule for reason in given] == [IF_UNSURE]:
            cause = causes.setdefault(given[0].because, len(causes) + 1)
            found.append({"stage": str(part.stage), "unsure": cause})
        elif decision.parts:
            facts = {name: write_fact(value) for name, value in sorted(part.facts.items())}
            found.append({"stage": str(part.stage), "facts": facts})
    return found


def take_again(record: Mapping[str, Any], policy: Policy) -> Decision:
    """Take a recorded decision again under a policy, part by part where it was merged; pure."""
    parts = [_part(part, policy) for part in record.get("parts") or (record,)]
    return merge(parts) if len(parts) > 1 else parts[0]


def _part(part: Mapping[str, Any], policy: Policy) -> Decision:
    if "unsure" in part:
        return policy.unsure(Stage(part["stage"]), str(part["unsure"]))
    facts = {name: read_fact(value) for name, value in part["facts"].items()}
    return policy.decide(facts, Stage(part["stage"]))


def write_reason(reason: Reason) -> dict[str, Any]:
    return {
        "rule": reason.rule,
        "effect": str(reason.effect),
        "trigger": str(reason.trigger),
        "severity": str(reason.severity),
        "role": reason.role,
        "unknown": list(reason.unknown),
    }


def write_fact(value: FactValue) -> dict[str, Any]:
    """Return a fact as JSON data, exact and typed; pure.

    Raises:
        TypeError: it is no fact.
    """
    write = _WRITTEN.get(type(value))
    if write is None:
        # A class of the program's own, such as a text that an enumeration names.
        write = next((one for kind, one in _WRITTEN.items() if isinstance(value, kind)), None)
    if write is None:
        raise TypeError(f"a {type(value).__name__} is no fact")
    return write(value)


# By class, for every decision has a dozen; of two that fit a value the first is the narrower.
_WRITTEN: Mapping[type, Callable[[Any], dict[str, Any]]] = {
    bool: lambda value: {"kind": "yes_no", "value": "yes" if value else "no"},
    Decimal: lambda value: {"kind": "number", "value": str(value)},
    Money: lambda value: {"kind": "money", "value": str(value.amount), "currency": value.currency},
    timedelta: lambda value: {"kind": "duration", "value": str(value // timedelta(microseconds=1))},
    time: lambda value: {"kind": "time", "value": value.isoformat()},
    date: lambda value: {"kind": "date", "value": value.isoformat()},
    frozenset: lambda value: {"kind": "set", "items": sorted(value)},
    str: lambda value: {"kind": "text", "value": value},
    Unknown: lambda value: {"kind": "unknown", "value": value.why},
}


def read_fact(data: Mapping[str, Any]) -> FactValue:
    """Read a fact back as it was written; what cannot be read is `Unknown`. Pure."""
    value = data.get("value", "")
    try:
        match data.get("kind"):
            case "yes_no":
                return bool(value == "yes")
            case "number":
                return Decimal(value)
            case "money":
                return Money(amount=Decimal(value), currency=str(data["currency"]))
            case "duration":
                return timedelta(microseconds=int(Decimal(value)))
            case "time":
                return time.fromisoformat(value)
            case "date":
                return date.fromisoformat(value)
            case "set":
                return frozenset(str(item) for item in data["items"])
            case "text":
                return str(value)
            case "unknown":
                return Unknown(why=str(value))
            case _:
                return Unknown(why="unreadable_record")
    except (ValueError, TypeError, KeyError, InvalidOperation, OverflowError):
        return Unknown(why="unreadable_record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rederived:
    """A decision taken again from its record, and the keys in which the two differ."""

    decision: Decision
    differences: tuple[str, ...]


def rederive(record: Mapping[str, Any], policy: Policy) -> Rederived:
    """Take a recorded decision again under a policy; pure.

    With the policy whose sha256 the record names, nothing may differ. Another policy's hash is a difference.
    """
    decision = take_again(record, policy)
    again = write_decision(decision)
    keys = ("policy", "effect", "role", "co_approvers", "answers", "reasons", "shadow")
    differences = tuple(key for key in keys if key in record and again[key] != record[key])
    if "facts" in record and not _states_facts(record, again["facts"]):
        differences = (*differences, "facts")
    return Rederived(decision=decision, differences=differences)


def _states_facts(record: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
    """Tell whether a record's facts are those it rests on.

    A merged decision states the facts of the call that its ticket is about; each is a fact of some part.
    """
    facts: Mapping[str, Any] = record["facts"]
    parts = [part.get("facts", {}) for part in record.get("parts") or ()]
    if not parts:
        return facts == again
    return facts.keys() == again.keys() and all(
        any(part.get(name) == value for part in parts) for name, value in facts.items()
    )
