"""Amounts of money in what a tool returned."""

from decimal import Decimal
from typing import Any

import pytest

from handrail.records import Money, Unknown
from handrail.text.stated_amounts import AmountStated, largest, stated_amounts

STATED: list[tuple[Any, list[tuple[str, str | None]]]] = [
    ("The balance is $640.50.", [("640.50", "USD")]),
    ({"amount": 640, "currency": "EUR"}, [("640", "EUR")]),
    ({"amount": "640.00", "currency": "usd"}, [("640.00", "USD")]),
    ({"balance": -12}, [("12", None)]),
    ({"order": {"totalPrice": 9.5}, "lines": [{"unit_price": 4}]}, [("9.5", None), ("4", None)]),
    ('{"amount": 12.30, "currency": "USD"}', [("12.30", "USD")]),
    ({"paid": [1, 2]}, [("1", None), ("2", None)]),
    ({"net": 5, "currency": "USD"}, [("5", "USD")]),
    ({"order": 7123, "count": 3, "amount": True, "note": "seven boxes"}, []),
    ([], []),
    (None, []),
]


@pytest.mark.parametrize(("data", "amounts"), STATED, ids=lambda one: str(one)[:40])
def test_an_amount_is_read_where_its_key_or_a_currency_says_so(
    data: Any, amounts: list[tuple[str, str | None]]
) -> None:
    assert stated_amounts(data) == tuple(AmountStated(Decimal(number), code) for number, code in amounts)


@pytest.mark.parametrize(
    ("data", "currencies", "value"),
    [
        ("We give back 12.345 USD.", ["USD"], Unknown(why="more decimals than the currency has")),
        ({"amount": "7.125"}, ["USD"], Unknown(why="more decimals than the currency has")),
        ({"amount": 100.5, "currency": "JPY"}, ["JPY"], Unknown(why="more decimals than the currency has")),
        ({"amount": 12.3, "currency": "USD"}, ["USD"], Money(amount=Decimal("12.3"), currency="USD")),
        ({"amount": "7.1250", "currency": "KWD"}, ["KWD"], Money(amount=Decimal("7.1250"), currency="KWD")),
        ({"amount": 5.0, "currency": "JPY"}, ["JPY"], Money(amount=Decimal("5.0"), currency="JPY")),
        ("€1.000", ["EUR"], Money(amount=Decimal(1000), currency="EUR")),
        ("fifteen dollars fifty", ["USD"], Money(amount=Decimal("15.50"), currency="USD")),
    ],
)
def test_an_amount_finer_than_its_currency_is_unknown(
    data: Any, currencies: list[str], value: Money | Unknown
) -> None:
    assert largest(stated_amounts(data), currencies) == value
