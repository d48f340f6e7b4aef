"""What an answer states is read next to the policy's words, and never guessed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from handrail.pipeline.stated import stated
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.sources import StatedBy
from handrail.records import AMBIGUOUS, NOT_SAID, FactValue, Money, Unknown

TODAY = date(2026, 11, 28)
NOT = Unknown(why=NOT_SAID)
BOTH = Unknown(why=AMBIGUOUS)


def fact(kind: Kind, *says: str, **more: tuple[str, ...]) -> FactDeclaration:
    """Declare a fact that the answer states."""
    source = StatedBy(fact="answer.it", says=says)
    return FactDeclaration(name="answer.it", type=kind, source=source, **more)


WINDOW = fact(Kind.DURATION, "refund", "return", "money back")
FEE = fact(Kind.MONEY, "late fee", currencies=("USD",))
ENDS = fact(Kind.DATE, "sale")
OFF = fact(Kind.PERCENT, "discount")
BAGS = fact(Kind.WHOLE, "bag")
COVERED = fact(Kind.YES_NO, "water damage")
BY = fact(Kind.ONE_OF, "cancel", values=("letter", "email", "phone"))


def days(count: float) -> timedelta:
    """Return some days."""
    return timedelta(days=count)


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        (WINDOW, "You may send it back within six weeks.", days(42)),
        (WINDOW, "About refunds: you have a couple of months.", days(60)),
        (WINDOW, "Returns are not possible after 30 days.", days(30)),
        (WINDOW, "It is not 60 days. You can return it for 30 days.", days(30)),
        (FEE, "There is no late fee.", Money(amount=Decimal(0), currency="USD")),
        (FEE, "We can't waive the late fee of twenty dollars.", Money(amount=Decimal(20), currency="USD")),
        (ENDS, "The sale runs until Dec. 31st.", date(2026, 12, 31)),
        (OFF, "Your discount is fifteen per cent.", Decimal(15)),
        (OFF, "We give a discount of a quarter off.", Decimal(25)),
        (BAGS, "You may take half a dozen bags.", Decimal(6)),
        (BAGS, "No bags are free.", Decimal(0)),
        (COVERED, "Water damage isn't excluded.", True),
        (COVERED, "Water damage? Covered, of course.", True),
        (COVERED, "Everything is covered except water damage.", False),
        (BY, "You can't cancel by phone, please write a letter.", "letter"),
    ],
)
def test_a_value_is_read_next_to_its_words(declared: FactDeclaration, text: str, value: FactValue) -> None:
    assert stated(declared, text, TODAY).value == value


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (WINDOW, "You bought it 45 days ago, so no refund is possible."),
        (WINDOW, "Your refund takes 5 days to reach you."),
        (WINDOW, "Do you want to return it within 60 days?"),
        (WINDOW, 'You wrote "I can return it within 60 days".'),
        (WINDOW, "You asked whether you can return it within 60 days."),
        (WINDOW, "Returns are easy. The warranty lasts two years."),
        (FEE, "Your bill is $49."),
        (BAGS, "Each bag may weigh 23 kg."),
        (COVERED, "I'm sorry to hear about the water damage."),
        (COVERED, "I don't know whether water damage is covered."),
        (BY, "You can reach us by phone."),
    ],
)
def test_what_is_asked_quoted_or_about_something_else_is_not_said(
    declared: FactDeclaration, text: str
) -> None:
    assert stated(declared, text, TODAY).value == NOT


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (WINDOW, "You can return it within 30 days, or 60 days."),
        (WINDOW, "Returns are accepted for 30 to 60 days."),
        (WINDOW, "There is no time limit on returns."),
        (FEE, "The late fee is $10 or $20."),
        (ENDS, "The sale ends on 03/04/2026."),
        (COVERED, "Water damage is covered. Water damage by salt water is not covered."),
        (BY, "You can cancel by email or by letter."),
    ],
)
def test_two_readings_and_none_that_is_definite_are_ambiguous(declared: FactDeclaration, text: str) -> None:
    assert stated(declared, text, TODAY).value == BOTH


def test_the_words_in_question_are_those_of_the_clause() -> None:
    text = "Thanks! You may return it within 60 days."
    (span,) = stated(WINDOW, text, TODAY).spans
    assert text[slice(*span)].strip() == "You may return it within 60 days."


def test_how_long_something_takes_is_read_where_the_fact_is_about_that() -> None:
    speed = fact(Kind.DURATION, "refund takes", "processing time")
    assert stated(speed, "Your refund takes 5 days.", TODAY).value == days(5)


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        (OFF, "Your discount is ten percent, or twenty on Fridays.", BOTH),
        (OFF, "A discount of 10% and 20 for members.", BOTH),
        (OFF, "The discount is 10%, but just fifteen if you pay by card.", BOTH),
        (OFF, "The discount is 10%, and two coupons come with it.", Decimal(10)),
        (WINDOW, "You can return it within 30 days, or sixty during December.", BOTH),
        (WINDOW, "You may return it within 30 days, and 2 items at once.", days(30)),
        (WINDOW, "You have 30 days to return it, and we open at 9.", days(30)),
        (FEE, "The late fee is $20, or thirty on weekends.", BOTH),
        (
            FEE,
            "The late fee is $20 and 5 working days are needed.",
            Money(amount=Decimal(20), currency="USD"),
        ),
    ],
)
def test_a_second_number_that_shares_a_unit_leaves_the_value_open(
    declared: FactDeclaration, text: str, value: FactValue
) -> None:
    assert stated(declared, text, TODAY).value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The sale ends today.", TODAY),
        ("The sale ends tomorrow.", TODAY + days(1)),
        ("The sale ends next Friday.", BOTH),
        ("The sale runs until the end of the month.", BOTH),
        ("The sale ends the day after tomorrow.", BOTH),
        ("The sale ends on 24 December 2026, next month.", date(2026, 12, 24)),
        ("The sale ends on 24 December 2026.", date(2026, 12, 24)),
        ("Today's sale is not over.", NOT),
    ],
)
def test_a_day_that_is_told_from_another_one_is_that_day_or_left_open(text: str, value: FactValue) -> None:
    assert stated(ENDS, text, TODAY).value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Water damage falls outside our promise.", False),
        ("We honour water damage claims.", True),
        ("We do not reimburse water damage.", False),
        ("Our plan extends to water damage.", True),
    ],
)
def test_what_is_done_about_a_matter_affirms_or_denies_it(text: str, value: FactValue) -> None:
    assert stated(COVERED, text, TODAY).value == value
