"""A fact as a ticket keeps it: typed, exact, and as a person reads it."""

from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Literal, Self, TypeAlias

from handrail.records import FactValue, Money, Unknown
from handrail.tickets.model import TicketModel

MASKED = "masked"
"""Why a fact is unknown whose value a ticket does not show."""

FactKind: TypeAlias = Literal[
    "yes_no", "number", "money", "duration", "time", "date", "text", "set", "unknown"
]


class FactRecord(TicketModel):
    """One fact as it was when the exchange was decided; `value` is its text, `currency` for money only."""

    kind: FactKind
    value: str = ""
    items: tuple[str, ...] = ()
    currency: str = ""

    @classmethod
    def of(cls, value: FactValue) -> Self:
        """Return the record of a fact, exact and typed; pure."""
        match value:
            case bool():
                return cls(kind="yes_no", value="yes" if value else "no")
            case Decimal():
                return cls(kind="number", value=str(value))
            case Money(amount=amount, currency=currency):
                return cls(kind="money", value=str(amount), currency=currency)
            case timedelta():
                return cls(kind="duration", value=str(value / timedelta(microseconds=1)))
            case time():
                return cls(kind="time", value=value.isoformat())
            case date():
                return cls(kind="date", value=value.isoformat())
            case Unknown(why=why):
                return cls(kind="unknown", value=why)
            case frozenset():
                return cls(kind="set", items=tuple(sorted(value)))
            case str():
                return cls(kind="text", value=value)

    def masked(self, mask: Callable[[str], str]) -> Self:
        """Return the record as a ticket shows it: unknown from then on where it holds what was found; pure.

        A rule that reads it again must not take a mask for the value.
        """
        held = (self.value, *self.items) if self.kind in ("text", "set") else ()
        is_plain = all(mask(text) == text for text in held)
        return self if is_plain else type(self)(kind="unknown", value=MASKED)

    def fact(self) -> FactValue:
        """Return the fact as it was recorded; pure."""
        match self.kind:
            case "yes_no":
                return self.value == "yes"
            case "number":
                return Decimal(self.value)
            case "money":
                return Money(amount=Decimal(self.value), currency=self.currency)
            case "duration":
                return timedelta(microseconds=float(self.value))
            case "time":
                return time.fromisoformat(self.value)
            case "date":
                return date.fromisoformat(self.value)
            case "set":
                return frozenset(self.items)
            case "text":
                return self.value
            case "unknown":
                return Unknown(why=self.value)

    def text(self) -> str:
        """Return the fact as a person reads it; pure."""
        match self.kind:
            case "money":
                return f"{self.value} {self.currency}"
            case "set":
                return ", ".join(self.items) or "none"
            case "unknown":
                return f"unknown ({self.value})"
            case "duration":
                return str(self.fact())
            case _:
                return self.value


def amounts_of(facts: Mapping[str, FactRecord]) -> dict[str, Money | Decimal]:
    """Return the facts that a ledger can sum; pure."""
    values = {name: record.fact() for name, record in facts.items()}
    return {name: value for name, value in values.items() if isinstance(value, Money | Decimal)}
