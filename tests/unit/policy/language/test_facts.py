"""Raw values become typed facts strictly, or are unknown."""

from datetime import time, timedelta
from decimal import Decimal

import pytest

from handrail.policy.language.facts import FactDeclaration, Kind, read_duration
from handrail.policy.language.sources import InputFindings, ToolArgument
from handrail.records import FactValue, Money, Unknown

USD = FactDeclaration(name="amount", type=Kind.MONEY, currencies=("USD",))
BOTH = FactDeclaration(name="amount", type=Kind.MONEY, currencies=("USD", "EUR"))
BESIDE = FactDeclaration(
    name="amount", type=Kind.MONEY, currencies=("USD",), currency_from=ToolArgument(path=("currency",))
)


@pytest.mark.parametrize(
    "raw",
    [float("nan"), float("inf"), -1, "-1", "1e3", "499.999", True, "ten", [5], {"a": 5}, None, "5 JPY", ""],
)
def test_an_amount_that_cannot_be_trusted_is_unknown(raw: object) -> None:
    assert isinstance(USD.read(raw), Unknown)


def test_an_amount_is_read_with_its_only_currency() -> None:
    assert USD.read(640) == Money(amount=Decimal(640), currency="USD")
    assert USD.read("640.50") == Money(amount=Decimal("640.50"), currency="USD")


def test_a_bare_number_needs_a_currency_where_several_are_possible() -> None:
    assert isinstance(BOTH.read(5), Unknown)
    assert BOTH.read("5 EUR") == Money(amount=Decimal(5), currency="EUR")
    assert BOTH.read({"amount": 5, "currency": "EUR"}) == Money(amount=Decimal(5), currency="EUR")


def test_a_currency_that_stands_elsewhere_must_be_given_and_declared() -> None:
    assert BESIDE.read(5) == Unknown(why="currency_missing")
    assert BESIDE.read(5, currency="JPY") == Unknown(why="other_currency")
    assert BESIDE.read(5, currency="usd") == Money(amount=Decimal(5), currency="USD")


def test_money_that_is_negative_or_foreign_is_unknown_even_if_typed() -> None:
    assert isinstance(USD.read(Money(amount=Decimal(-1), currency="USD")), Unknown)
    assert isinstance(USD.read(Money(amount=Decimal(1), currency="EUR")), Unknown)
    assert isinstance(USD.read(Money(amount=Decimal("NaN"), currency="USD")), Unknown)
    assert not USD.accepts(Money(amount=Decimal("NaN"), currency="USD"))


@pytest.mark.parametrize(
    ("declaration", "raw", "value"),
    [
        (FactDeclaration(name="f", type=Kind.YES_NO), "no", False),
        (FactDeclaration(name="f", type=Kind.YES_NO), True, True),
        (FactDeclaration(name="f", type=Kind.NUMBER), 0.1, Decimal("0.1")),
        (FactDeclaration(name="f", type=Kind.WHOLE), "12", Decimal(12)),
        (FactDeclaration(name="f", type=Kind.DURATION), "3 days", timedelta(days=3)),
        (FactDeclaration(name="f", type=Kind.DURATION, unit="day"), 3, timedelta(days=3)),
        (FactDeclaration(name="f", type=Kind.TIME), "7:05", time(7, 5)),
        (FactDeclaration(name="f", type=Kind.ONE_OF, values=("a", "b")), "b", "b"),
        (FactDeclaration(name="f", type=Kind.TEXT), "any", "any"),
        (FactDeclaration(name="f", type=Kind.SET, values=("a", "b")), ["a", "a"], frozenset({"a"})),
    ],
)
def test_values_of_the_right_form_are_read(
    declaration: FactDeclaration, raw: object, value: FactValue
) -> None:
    assert declaration.read(raw) == value
    assert declaration.accepts(value)


@pytest.mark.parametrize(
    ("declaration", "raw", "why"),
    [
        (FactDeclaration(name="f", type=Kind.YES_NO), 1, "not_yes_or_no"),
        (FactDeclaration(name="f", type=Kind.NUMBER), True, "not_a_number"),
        (FactDeclaration(name="f", type=Kind.NUMBER), "1e3", "not_a_number"),
        (FactDeclaration(name="f", type=Kind.NUMBER, least=Decimal(0)), -1, "out_of_range"),
        (FactDeclaration(name="f", type=Kind.WHOLE), 1.5, "not_a_whole_number"),
        (FactDeclaration(name="f", type=Kind.DURATION), 3, "not_a_duration"),
        (FactDeclaration(name="f", type=Kind.DURATION, unit="week"), 10**12, "out_of_range"),
        (FactDeclaration(name="f", type=Kind.TIME), "24:00", "not_a_time_of_day"),
        (FactDeclaration(name="f", type=Kind.ONE_OF, values=("a",)), "A", "not_one_of_the_declared_values"),
        (FactDeclaration(name="f", type=Kind.TEXT), 5, "not_text"),
        (FactDeclaration(name="f", type=Kind.SET, values=("a",)), "a", "not_a_set"),
        (FactDeclaration(name="f", type=Kind.SET, values=("a",)), ["z"], "not_among_the_declared_values"),
        (FactDeclaration(name="f", type=Kind.TEXT), None, "missing"),
    ],
)
def test_values_of_another_form_are_unknown_with_a_code(
    declaration: FactDeclaration, raw: object, why: str
) -> None:
    assert declaration.read(raw) == Unknown(why=why)


def test_findings_that_no_rule_can_ask_for_are_left_out() -> None:
    fact = FactDeclaration(name="input.findings", type=Kind.SET, values=("card",), source=InputFindings())
    assert fact.read({"card", "email"}) == frozenset({"card"})


def test_a_duration_longer_than_time_itself_is_none() -> None:
    assert read_duration("999999999999 weeks") is None
    assert read_duration("1.5 hours") == timedelta(minutes=90)
