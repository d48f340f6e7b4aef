"""Facts as text, the way a policy writes them: `250 USD`, `3 days`, `[x, y]`. Pure."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal

from handrail.records import FactValue, Money


def format_value(value: FactValue) -> str:
    """Return a fact's value as the policy language writes it; pure."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return _plain(value)
        case Money(amount=amount, currency=currency):
            return f"{_plain(amount)} {currency}"
        case timedelta():
            return _duration(value)
        case time():
            return value.isoformat("auto" if value.second or value.microsecond else "minutes")
        case date():
            return value.isoformat()
        case frozenset():
            return "[" + ", ".join(sorted(value)) + "]"
        case str():
            return value
        case _:
            return f"unknown ({value.why})"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _duration(value: timedelta) -> str:
    seconds = value.total_seconds()
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit[:-1] if abs(count) == 1 else unit}"
    return "0 days" if seconds == 0 else f"{seconds:g} seconds"


def format_case(case: Mapping[str, FactValue]) -> str:
    """Return a case in one line; pure."""
    return (
        ", ".join(f"{name} {format_value(value)}" for name, value in sorted(case.items()))
        or "any facts at all"
    )


def format_facts(case: Mapping[str, FactValue]) -> dict[str, str]:
    """Return each fact of a case as text; pure."""
    return {name: format_value(value) for name, value in case.items()}
