"""What the language accepts, and what it says of what it does not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from handrail.policy.language.ast import ExpressionError
from handrail.policy.language.compile import compile_test
from handrail.policy.language.facts import FactDeclaration, Kind
from handrail.policy.language.parse import parse, read_expression
from handrail.records import Money


def declare(name: str, kind: Kind, **keys: object) -> FactDeclaration:
    return FactDeclaration(name=name, type=kind, **keys)  # type: ignore[arg-type]


FACTS = {
    fact.name: fact
    for fact in (
        declare("tool.name", Kind.ONE_OF, values=("issue_refund", "reply")),
        declare("refund.amount", Kind.MONEY, currencies=("USD", "EUR")),
        declare("refunds_30d", Kind.MONEY, currencies=("USD",)),
        declare("order.age", Kind.DURATION),
        declare("order.opened", Kind.YES_NO),
        declare("now", Kind.TIME),
        declare("day", Kind.WEEKDAY, values=("monday", "sunday")),
        declare("found", Kind.SET, values=("health", "email")),
        declare("score", Kind.NUMBER),
        declare("tries", Kind.WHOLE),
        declare("plan", Kind.TEXT),
    )
}
USD = {n: Money(amount=Decimal(n), currency="USD") for n in (39, 200, 201)}


@pytest.mark.parametrize(
    ("text", "known", "verdict"),
    [
        ("refund.amount > 200 USD", {"refund.amount": USD[201]}, True),
        ("refund.amount > 200 USD", {"refund.amount": USD[200]}, False),
        ("200 USD < refund.amount", {"refund.amount": USD[201]}, True),
        ("refund.amount > 200 USD", {"refund.amount": Money(amount=Decimal(900), currency="EUR")}, None),
        ("refunds_30d + refund.amount > 400 USD", {"refunds_30d": USD[200], "refund.amount": USD[201]}, True),
        ("refund.amount - 100 USD == 100 USD", {"refund.amount": USD[200]}, True),
        ("order.age <= 30 days", {"order.age": timedelta(days=30)}, True),
        ("order.age + 1 week > 5 days", {"order.age": timedelta(days=-1)}, True),
        ("not order.opened", {"order.opened": False}, True),
        ("!order.opened", {}, None),
        ("order.opened == no", {"order.opened": False}, True),
        ("order.opened != true", {"order.opened": True}, False),
        ('plan == "gold" && score >= 0.5', {"plan": "gold", "score": Decimal("0.5")}, True),
        ('plan == "gold" || score >= 0.5', {"score": Decimal("0.5")}, True),
        ('plan == "gold" and score >= 0.5', {"score": Decimal("0.4")}, False),
        ('"health" in found', {"found": frozenset({"health"})}, True),
        ("found has email", {"found": frozenset({"health"})}, False),
        ('tool.name in ["reply", "issue_refund"]', {"tool.name": "reply"}, True),
        ('tool.name not in ["reply"]', {"tool.name": "reply"}, False),
        ("tries in [1, 2]", {"tries": Decimal(2)}, True),
        ("score is missing", {}, True),
        ("score is known", {}, False),
        ("now >= 22:00 or now < 07:00", {}, None),
        ('day == "sunday"', {"day": "sunday"}, True),
        ("score < 0 and tool.name is known", {"score": Decimal(1)}, False),
        ("score is missing or score < 0.7", {}, True),
        ("true", {}, True),
    ],
)
def test_expressions_are_three_valued(text: str, known: dict[str, object], verdict: bool | None) -> None:
    assert compile_test(read_expression(text, FACTS))(known) is verdict


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("refund.amount > 200", "cannot compare money with a number - write a currency, e.g. '200 USD'"),
        ("order.age > 3", "cannot compare a duration with a number - write a unit, e.g. '30 days'"),
        ("now > 7", "cannot compare a time of day with a number - write a time of day, e.g. '22:00'"),
        ('now == "22:00"', "write it without quotes"),
        ("refund.amont > 1 USD", "fact 'refund.amont' is not declared; did you mean 'refund.amount'?"),
        (
            'tool.name == "isue_refund"',
            "'isue_refund' is not a value of tool.name; did you mean 'issue_refund'?",
        ),
        ("tool.name == issue_refund", "'issue_refund' is not a fact; write \"issue_refund\" in quotes"),
        ("refund.amount > 2 GBP", "refund.amount is never in GBP; declared: USD, EUR"),
        ("order.age > 3 dayz", "unknown unit 'dayz'; did you mean 'day'?"),
        ("now > 25:00", "'25:00' is not a time of day"),
        ("order.opened = yes", "write '==' to compare"),
        ("len(found) > 1", "there are no functions"),
        ("score < 1 < 2", "'<' is not expected here"),
        ("1 < 2", "both sides are constants"),
        ("score", "score is a number, not yes/no"),
        ("score + 1", "expected a condition, found a sum"),
        ('plan < "b"', "text has no order"),
        ("found == found", "sets do not compare"),
        ('found has "helth"', "did you mean 'health'?"),
        ('score has "x"', "score is a number, not a set"),
        ("tool.name in []", "the list is empty"),
        ("order.opened and", "the expression ends too early"),
        ('plan == "gold', "a text without a closing quote"),
        ("", "the expression ends too early"),
        ("score < 1e3", "'1e3': write the number out"),
        ('plan + "x" == plan', "cannot add or subtract text"),
        ("order.opened == (score > 1)", "conditions do not compare"),
        ("(score > 1) is missing", "only a fact can be missing or known"),
        ("__import__", "fact '__import__' is not declared"),
    ],
)
def test_a_wrong_expression_says_what_to_write(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, FACTS)
    assert problem in caught.value.problem


def test_the_caret_stands_under_the_mistake() -> None:
    text = 'order.opened and tool.name == "isue"'
    with pytest.raises(ExpressionError) as caught:
        read_expression(text, FACTS)
    lines = caught.value.with_caret(text).splitlines()
    assert lines[2].index("^") == lines[1].index('"isue"')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x" * 2001, "longer than 2000"),
        ("not " * 480 + "order.opened", "deeper than 40"),
        ("(" * 41 + "order.opened" + ")" * 41, "deeper than 40"),
        (" and ".join(["score>1"] * 101), "more than 200 parts"),
    ],
)
def test_size_and_depth_are_capped(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert problem in caught.value.problem
