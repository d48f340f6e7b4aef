import pytest

from handrail.policy import loads
from handrail.policy.language.ast import ExpressionError
from handrail.policy.language.hints import amount_hint, duration_hint, duration_problem, percent_hint
from handrail.policy.language.parse import read_expression

FACTS = loads(
    """\
policy: p
version: "1"
if_unsure: q
roles: {q: }
facts:
  amount: {type: money, currencies: [USD]}
  age: {type: duration}
  score: {type: number}
  vip: {type: yes/no}
  tier: {type: one of, values: [gold, silver]}
  marks: {type: set, values: [health, email]}
"""
).facts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("amount > $200", "write the amount as 200 USD"),
        ("amount > 200$", "write the amount as 200 USD"),
        ("amount > US$ 1,000.50", "write the amount as 1000.50 USD"),
        ("amount > 1,000 USD", "write the amount as 1000 USD"),
        ("amount > 1 000 USD", "write the amount as 1000 USD"),
        ("amount > 1.000,50 EUR", "write the amount as 1000.50 EUR"),
        ("amount > 200 usd", "write the amount as 200 USD"),
        ("amount > 200 Usd", "write the amount as 200 USD"),
        ("amount > 200 dollars", "write the amount as 200 USD"),
        ("amount > USD 200", "write the amount as 200 USD"),
        ("amount > €50", "write the amount as 50 EUR"),
        ("amount > 2k USD", "write the number out"),
        ("amount > 1e3 USD", "write the number out"),
        ("score > 1,000", "without separators"),
        ("age > 30d", "write the duration as 30 days"),
        ("age > 30 mins", "write the duration as 30 minutes"),
        ("age > 2 hrs", "write the duration as 2 hours"),
        ("age > 3 months", "write days, e.g. 90 days"),
        ("score > 90%", "write a share, e.g. 0.9"),
        ("score > 90 percent", "write a share, e.g. 0.9"),
        ("score < 0,7", "write a decimal point"),
        ("amount ≥ 200 USD", "write '>='"),
        ("amount => 200 USD", "write '>='"),
        ("amount <> 200 USD", "write '!='"),
        ("tier == “gold”", "write straight quotes"),
        ("vip AND score > 1", "write 'and' in small letters"),
        ("NOT vip", "write 'not' in small letters"),
        ("vip == Yes", "write 'yes' in small letters"),
        ("vip is yes", "write '==' to compare"),
        ("amount is more than 200 USD", "write '>'"),
        ("amount is at least 200 USD", "write '>='"),
        ("amount over 200 USD", "write '>'"),
        ("amount between 1 USD and 2 USD", "write two comparisons"),
        ('marks contains "health"', "write 'has'"),
        ("amount is empty", "write 'is missing'"),
        ("vip is not missing", "'is known'"),
        ('tier in ("gold", "silver")', "write a list in [ ]"),
        ("if vip", "leave it out"),
        ("vip unless score > 1", "write 'and not'"),
        ("score * 2 > 5", "there is no multiplication"),
        ("amount > 100 EUR", "add EUR to its `currencies:`"),
        ("amount + amount > 100 EUR", "amounts in USD and in EUR never compare"),
    ],
)
def test_what_people_write_is_answered_with_what_to_write(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as found:
        read_expression(text, FACTS)
    assert words in found.value.problem


@pytest.mark.parametrize("text", ["amount > 200 USD", "age > 30 days", "marks has health", "amount\t> 5 USD"])
def test_what_the_language_has_needs_no_hint(text: str) -> None:
    read_expression(text, FACTS)


@pytest.mark.parametrize("text", ["", "x", "USD", "gold", "12:30", "$", "%", "30 parrots"])
def test_other_texts_get_no_hint(text: str) -> None:
    assert (amount_hint(text), duration_hint(text), percent_hint(text)) == (None, None, None)


def test_a_duration_that_cannot_be_read_is_answered_with_one_that_can() -> None:
    assert duration_problem("5min", "1 hour") == "'5min': write the duration as 5 minutes"
    assert duration_problem("soon", "1 hour") == "write a duration, e.g. 1 hour"
