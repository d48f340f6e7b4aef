import pytest

from handrail.errors import ConfigError
from handrail.policy import loads
from handrail.policy.analyse import check
from handrail.policy.file.cases import run_cases
from handrail.policy.tools.skeleton import read_table, skeleton

TABLE = """\
situation,limit,role,because,example
Refunds by issue_refund,over $100,support lead,Refunds above 100 USD are signed.,A refund of $250
Refunds by issue_refund,"over 1,000 USD",finance lead,Large refunds are signed by finance.,
Refunds by issue_refund,over 150 USD,support lead,Middling ones too.,
Customer asks for a person,,support agent,Whoever asks gets one.,Let me talk to a human
Health data in the message,,specialist,Only specialists read it.,
IBAN in the message,,specialist,Only specialists read it.,
delete_account,,supervisor,A person deletes accounts.,
Order older than,30 days,returns,Old orders are looked at.,45 days
Discounts,more than 20%,sales lead,Big discounts.,25%
Low confidence,below 70%,queue manager,Read first,
Customer is a minor,,legal team,It's the law.,
Unknown,,legal team,Odd.,
"""


def test_a_table_becomes_a_policy_whose_tests_pass_and_whose_guesses_are_marked() -> None:
    text = skeleton(read_table(TABLE), name="Shop rules")
    policy = loads(text)
    assert policy.ref.name == "shop-rules"
    assert all(result.is_passed for result in run_cases(policy))
    assert {str(remark.level) for remark in check(policy).remarks} <= {"note"}
    assert len(policy.cases) == len(TABLE.splitlines()) - 1
    whens = [rule.when.text for rule in policy.hand_offs if not rule.is_built_in]
    assert whens[:3] == [
        "issue_refund.amount > 100 USD and issue_refund.amount <= 150 USD",
        "issue_refund.amount > 1000 USD",
        "issue_refund.amount > 150 USD and issue_refund.amount <= 1000 USD",
    ]
    assert "# check: the argument is called `amount`?" in text


def test_a_table_from_a_spreadsheet_may_use_semicolons_and_any_order() -> None:
    rows = read_table("\ufeffRole;Situation\nlead;delete_account\n")
    assert [(row.role, row.situation) for row in rows] == [("lead", "delete_account")]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "has none"),
        ("what,who\na,b\n", "a table has the columns situation, limit, role, because, example"),
        ("situation,role\n", "no rows"),
        ("situation,role\nRefunds,\n", "line 2: a row needs a situation and a role"),
        ("situation,limit,role\nRefunds,a lot,lead\n", "line 2: the limit 'a lot' cannot be read"),
        ("situation,limit,role\nOrder older than,3 months,lead\n", "write days, e.g. 90 days"),
        ("situation,role\nRefunds,!!\n", "is no name of a role"),
        ("situation,limit,role\npay_now,5 USD,a\npay_now,5 EUR,b\n", "limits of two kinds or currencies"),
    ],
)
def test_a_table_that_cannot_be_read_says_what_to_write(table: str, words: str) -> None:
    with pytest.raises(ConfigError) as found:
        skeleton(read_table(table))
    assert words in str(found.value)
