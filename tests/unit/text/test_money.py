from decimal import Decimal

import pytest

from handrail.records import Money, Unknown
from handrail.text import money as codes
from handrail.text.money import parse_money


@pytest.mark.parametrize(
    ("raw", "amount"),
    [
        (640, "640"),
        (0, "0"),
        (92.5, "92.5"),
        (640.0, "640"),
        (Decimal("12.30"), "12.30"),
        ("640", "640"),
        (" 640.00 ", "640"),
        ("1,250.50", "1250.50"),
        ("$640", "640"),
        ("US$640", "640"),
        ("640 USD", "640"),
        ("USD 640", "640"),
        ("usd640", "640"),
        ({"amount": 5, "currency": "USD"}, "5"),
        ({"value": "5.25"}, "5.25"),
    ],
)
def test_a_plain_amount_is_read(raw: object, amount: str) -> None:
    assert parse_money(raw, currency="USD") == Money(amount=Decimal(amount), currency="USD")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (True, codes.NOT_A_NUMBER),
        (None, codes.NOT_A_NUMBER),
        ([], codes.NOT_A_NUMBER),
        (float("nan"), codes.NOT_FINITE),
        (float("inf"), codes.NOT_FINITE),
        (Decimal("sNaN"), codes.NOT_FINITE),
        ("NaN", codes.NOT_FINITE),
        ("-Infinity", codes.NOT_FINITE),
        (-1, codes.NEGATIVE),
        ("-5", codes.NEGATIVE),
        ("$-5", codes.NEGATIVE),
        (-0.0, codes.NEGATIVE),
        ("−5", codes.NEGATIVE),
        ("1e3", codes.EXPONENT),
        ("1E+3 USD", codes.EXPONENT),
        (Decimal("1e3"), codes.EXPONENT),
        (1e22, codes.EXPONENT),
        (499.999, codes.TOO_MANY_DECIMALS),
        ("499.999", codes.TOO_MANY_DECIMALS),
        ("5.000", codes.TOO_MANY_DECIMALS),
        (0.1 + 0.2, codes.TOO_MANY_DECIMALS),
        ("", codes.UNREADABLE),
        ("ninety", codes.UNREADABLE),
        ("1,00", codes.UNREADABLE),
        ("12 34", codes.UNREADABLE),
        ("５", codes.UNREADABLE),
        ("5 USD 6", codes.UNREADABLE),
        ("$5 USD", codes.UNREADABLE),
        ("1" * 50, codes.UNREADABLE),
        (10**60, codes.UNREADABLE),
        ({"amount": 1, "value": 2, "currency": "USD"}, codes.UNREADABLE),
        ({"amount": {"amount": 1}, "currency": "USD"}, codes.UNREADABLE),
        ({"amount": 5, "currency": "EUR"}, codes.OTHER_CURRENCY),
        ("640 EUR", codes.OTHER_CURRENCY),
        ("€640", codes.OTHER_CURRENCY),
        ("640 XXQ", codes.UNKNOWN_CURRENCY),
        ({"amount": 5, "currency": "Q"}, codes.UNKNOWN_CURRENCY),
    ],
)
def test_what_cannot_be_trusted_is_unknown_with_its_reason(raw: object, why: str) -> None:
    assert parse_money(raw, currency="USD") == Unknown(why=why)


def test_without_a_currency_there_is_no_money() -> None:
    assert parse_money(5, currency=None) == Unknown(why=codes.NO_CURRENCY)
    assert parse_money({"amount": 5}, currency=None) == Unknown(why=codes.NO_CURRENCY)
    assert parse_money("5 EUR", currency=None) == Money(amount=Decimal(5), currency="EUR")
    assert parse_money(5, currency="dollars") == Unknown(why=codes.UNKNOWN_CURRENCY)


@pytest.mark.parametrize(
    ("raw", "currency", "is_read"), [("5.5", "JPY", False), ("5", "JPY", True), ("1.234", "KWD", True)]
)
def test_each_currency_has_its_own_decimals(raw: str, currency: str, is_read: bool) -> None:
    assert isinstance(parse_money(raw, currency=currency), Money) is is_read
