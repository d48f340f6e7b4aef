"""Fact values in a ticket: typed, exact, and readable again as what they were."""

from collections.abc import Mapping
from datetime import time, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from handrail.records import FactValue, Money, Unknown

Kind = Literal["yes_no", "number", "money", "duration", "time", "text", "set", "unknown"]


class FactRecord(BaseModel):
    """One fact as it was when the exchange was decided; `value` is its text, `currency` for money only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    value: str = ""
    items: tuple[str, ...] = ()
    currency: str = ""


def record_fact(value: FactValue) -> FactRecord:
    """Write a fact down; pure."""
    match value:
        case bool():
            return FactRecord(kind="yes_no", value="yes" if value else "no")
        case Decimal():
            return FactRecord(kind="number", value=str(value))
        case Money(amount=amount, currency=currency):
            return FactRecord(kind="money", value=str(amount), currency=currency)
        case timedelta():
            return FactRecord(kind="duration", value=str(value / timedelta(microseconds=1)))
        case time():
            return FactRecord(kind="time", value=value.isoformat())
        case Unknown(why=why):
            return FactRecord(kind="unknown", value=why)
        case frozenset():
            return FactRecord(kind="set", items=tuple(sorted(value)))
        case str():
            return FactRecord(kind="text", value=value)


def read_fact(record: FactRecord) -> FactValue:
    """Read a fact back as it was written; pure."""
    match record.kind:
        case "yes_no":
            return record.value == "yes"
        case "number":
            return Decimal(record.value)
        case "money":
            return Money(amount=Decimal(record.value), currency=record.currency)
        case "duration":
            return timedelta(microseconds=float(record.value))
        case "time":
            return time.fromisoformat(record.value)
        case "set":
            return frozenset(record.items)
        case "text":
            return record.value
        case "unknown":
            return Unknown(why=record.value)


def amounts_of(facts: Mapping[str, FactRecord]) -> dict[str, Money | Decimal]:
    """Return the facts that a ledger can sum; pure."""
    values = {name: read_fact(record) for name, record in facts.items()}
    return {name: value for name, value in values.items() if isinstance(value, Money | Decimal)}


def fact_text(record: FactRecord) -> str:
    """Return a fact as a person reads it; pure."""
    if record.kind == "money":
        return f"{record.value} {record.currency}"
    if record.kind == "set":
        return ", ".join(record.items) or "none"
    if record.kind == "unknown":
        return f"unknown ({record.value})"
    if record.kind == "duration":
        return str(timedelta(microseconds=float(record.value)))
    return record.value
