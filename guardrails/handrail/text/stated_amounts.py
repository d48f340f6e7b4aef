"""Amounts of money that JSON data states: in the words of its texts, and in its fields. Pure.

A number is an amount where its key says so (`amount`, `total_price`) or where a currency stands beside it.
For one value at a known place a policy reads `tool.result.<tool>.<path>` instead.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from handrail.records import Money, Unknown
from handrail.text.amounts import read_amounts
from handrail.text.json_data import LeafPath, leaves
from handrail.text.money import TOO_MANY_DECIMALS, currencies, has_too_many_decimals

_NAMES = frozenset(
    {
        *("amount", "amounts", "balance", "charge", "charged", "cost", "costs", "credit", "debit", "deposit"),
        *("due", "fee", "fees", "fine", "paid", "pay", "payment", "payout", "price", "prices", "refund"),
        *("refunded", "salary", "sum", "total", "totals"),
    }
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")


@dataclass(frozen=True, slots=True)
class AmountStated:
    """An amount without its sign, and its currency; None where the data does not tell."""

    amount: Decimal
    currency: str | None


def stated_amounts(data: object) -> tuple[AmountStated, ...]:
    """Return every amount of money in JSON data; a text that is JSON is read as what it says."""
    found = list(_leaves(data))
    codes = {path[:-1]: code for path, leaf in found if (code := _code(path, leaf)) is not None}
    amounts: list[AmountStated] = []
    for path, leaf in found:
        number = _number(leaf)
        if number is None:
            if isinstance(leaf, str):
                amounts += [AmountStated(abs(one.amount), one.currency) for one in read_amounts(leaf)]
        elif _is_amount(path) or (path[:-1] in codes and not isinstance(leaf, str)):
            amounts.append(AmountStated(abs(number), codes.get(path[:-1])))
    return tuple(amounts)


def largest(sums: Sequence[AmountStated], currencies: Sequence[str]) -> Money | Unknown:
    """Return the largest of some amounts; one of another or of no clear currency makes it unknown. Pure."""
    sole = currencies[0] if len(currencies) == 1 else None
    known = [Money(amount=one.amount, currency=one.currency or sole or "") for one in sums]
    if any(one.currency not in currencies for one in known):
        return Unknown(why="other_currency")
    if len({one.currency for one in known}) > 1:
        return Unknown(why="several_currencies")
    if any(has_too_many_decimals(one.amount, one.currency) for one in known):
        return Unknown(why=TOO_MANY_DECIMALS)
    return max(known, key=lambda one: one.amount, default=Money(amount=Decimal(0), currency=currencies[0]))


def _leaves(data: object, path: LeafPath = ()) -> Iterator[tuple[LeafPath, object]]:
    for place, leaf in leaves(data, path):
        inner = _json(leaf) if isinstance(leaf, str) and leaf.lstrip()[:1] in ("{", "[") else None
        yield from leaves(inner, (*place, "json")) if inner is not None else [(place, leaf)]


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _number(leaf: object) -> Decimal | None:
    if isinstance(leaf, bool) or not isinstance(leaf, int | float | Decimal | str):
        return None
    if isinstance(leaf, str) and not _NUMBER.fullmatch(leaf):
        return None
    try:
        number = Decimal(str(leaf))
    except (InvalidOperation, ValueError):
        return None
    return number if number.is_finite() else None


def _is_amount(path: LeafPath) -> bool:
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    return not _NAMES.isdisjoint(word.lower() for word in _WORD.findall(name))


def _code(path: LeafPath, leaf: object) -> str | None:
    """Return the currency that a field names."""
    if not path or not isinstance(leaf, str) or "currency" not in str(path[-1]).lower():
        return None
    return currencies().code(leaf.strip()) or leaf.strip().upper()[:3]
