from decimal import Decimal

import pytest

from handrail.records import Money
from handrail.text.amounts import read_amounts, total_of_counted


def read(text: str) -> list[tuple[str, str, str | None, int]]:
    return [
        (text[a.start : a.end], f"{a.amount.normalize():f}", a.currency, a.count) for a in read_amounts(text)
    ]


@pytest.mark.parametrize(
    ("text", "span", "amount", "currency"),
    [
        ("Refund my $39 cable", "$39", "39", "USD"),
        ("up to $1,000 is automatic", "$1,000", "1000", "USD"),
        ("US$ 12.50", "US$ 12.50", "12.5", "USD"),
        ("$640 USD", "$640 USD", "640", "USD"),
        ("$5 CAD please", "$5 CAD", "5", "CAD"),
        ("C$16.4 million", "C$16.4 million", "16400000", "CAD"),
        ("640 eur", "640 eur", "640", "EUR"),
        ("EUR 640", "EUR 640", "640", "EUR"),
        ("1.000,50 €", "1.000,50 €", "1000.5", "EUR"),
        ("€1.000", "€1.000", "1000", "EUR"),
        ("12,5 €", "12,5 €", "12.5", "EUR"),
        ("it cost 3 dollars 50 cents", "3 dollars 50 cents", "3.5", "USD"),
        ("thirteen dollars and forty-five cents", "thirteen dollars and forty-five cents", "13.45", "USD"),
        ("two hundred and fifty euros", "two hundred and fifty euros", "250", "EUR"),
        ("a hundred bucks", "a hundred bucks", "100", "USD"),
        ("half a million dollars", "half a million dollars", "500000", "USD"),
        ("$5k", "$5k", "5000", "USD"),
        ("£3.2m", "£3.2m", "3200000", "GBP"),
        ("34 cents", "34 cents", "0.34", "USD"),
        ("50p off", "50p", "0.5", "GBP"),
        ("20 Canadian dollars", "20 Canadian dollars", "20", "CAD"),
        ("10 pounds sterling", "10 pounds sterling", "10", "GBP"),
        ("₹1,00,000", "₹1,00,000", "100000", "INR"),
        ("5 francs", "5 francs", "5", None),
        ("CHF 1'250.00", "CHF 1'250.00", "1250", "CHF"),
    ],
)
def test_an_amount_is_read_with_its_currency(text: str, span: str, amount: str, currency: str | None) -> None:
    assert read(text) == [(span, amount, currency, 1)]


@pytest.mark.parametrize(
    "text",
    [
        "order 1182",
        "",
        "call 555-1234",
        "ALL 5 answers",
        "version 2.0",
        "I have a dollar sign: $",
        "$ $ $",
        "half",
    ],
)
def test_numbers_without_a_currency_are_no_amounts(text: str) -> None:
    assert read_amounts(text) == ()


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("Then do it as 7 refunds of $92", "644 USD"),
        ("seven separate refunds of 92 dollars each", "644 USD"),
        ("3 x $90", "270 USD"),
        ("3×$90", "270 USD"),
        ("$92 x 7", "644 USD"),
        ("$92, seven times", "644 USD"),
        ("7 refunds, $92 each", "644 USD"),
        ("refund $92 twice", "184 USD"),
        ("twenty-one payments of £10", "210 GBP"),
        ("2 refunds of $10 and 3 refunds of $20", "80 USD"),
    ],
)
def test_counted_amounts_are_added_up(text: str, total: str) -> None:
    assert str(total_of_counted(text)) == total


@pytest.mark.parametrize(
    "text",
    [
        "Refund my $39 cable",
        "I bought 5 items for $92",
        "2 refunds of $10 and 3 refunds of €20",
        "2 payments of 5 francs",
        "one refund of $92",
        "1182 is my order, refund $92",
    ],
)
def test_what_is_not_counted_has_no_total(text: str) -> None:
    assert total_of_counted(text) is None


def test_the_span_gives_money_only_with_a_currency() -> None:
    dollars, francs = read_amounts("$5 or 5 francs")
    assert dollars.money == Money(amount=Decimal(5), currency="USD")
    assert francs.money is None


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("one dollar and two", "1.02", "USD"),
        ("It was one dollar and two, I think", "1.02", "USD"),
        ("15 dollars 50", "15.50", "USD"),
        ("15 euros 05 for the bag", "15.05", "EUR"),
        ("3 pounds 99.", "3.99", "GBP"),
        ("twenty dollars fifty back please", "20.50", "USD"),
        ("ten dollars and twenty", "10.20", "USD"),
        ("a dollar fifty", "1.50", "USD"),
        ("a dollar and a half", "1.50", "USD"),
        ("two and a half dollars", "2.50", "USD"),
        ("two dollars and a half", "2.50", "USD"),
        ("2 and a half euros", "2.50", "EUR"),
        ("half a dollar", "0.50", "USD"),
        ("one and a half thousand dollars", "1500", "USD"),
        ("three and a quarter pounds", "3.25", "GBP"),
    ],
)
def test_parts_that_are_said_without_their_unit_belong_to_the_amount(
    text: str, amount: str, currency: str
) -> None:
    (found,) = read_amounts(text)
    assert (found.amount, found.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("15 dollars 50 days ago", "15"),
        ("15 dollars and 2 boxes", "15"),
        ("15 dollars 50% off", "15"),
        ("15 dollars 5", "15"),
        ("15 dollars 2024", "15"),
        ("15 dollars, 50 items", "15"),
        ("15 dollars 50-60 times", "15"),
        ("15.20 dollars 50", "15.20"),
        ("five dollars and forty people", "5"),
        ("15 dollars 10:30", "15"),
    ],
)
def test_a_number_that_counts_something_else_is_no_part_of_an_amount(text: str, amount: str) -> None:
    assert read_amounts(text)[0].amount == Decimal(amount)


@pytest.mark.parametrize(
    "text", ["a dollar store", "half a day", "a half", "a quarter of an hour", "a pound of rice"]
)
def test_a_share_of_something_else_is_no_amount(text: str) -> None:
    assert read_amounts(text) == ()
