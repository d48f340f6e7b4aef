from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.policy import loads
from handrail.policy.file.read import read_source
from handrail.review.changes.patches import narrowed, proved, threshold_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds
from handrail.review.changes.rule_reasons import with_reasons
from handrail.review.log.conditions import FactCondition, FactTest

HEAD = """policy: shop
version: "1"
owner: lead
mode: enforce
if_unsure: lead
time_zone: UTC
roles:
  lead: {answer_within: 1 hours, backup: boss, means: Reads.}
  boss: {answer_within: 1 hours, backup: lead, means: Reads.}
facts:
  confidence: {type: number, min: 0, max: 1, optional: true}
  refund.amount: {type: money, currencies: [USD], from: issue_refund.args.amount}
hand_offs:
"""


def text(because: str, *, when: str = "refund.amount > 100 USD", more: str = "") -> str:
    return f"{HEAD}  - id: big\n    when: {when}\n    to: lead\n    because: {because}\n{more}"


def reason(policy: str) -> str:
    return next(rule.because for rule in loads(policy).hand_offs if rule.id == "big")


def moved(before: str, *, to: str = "260", of: str = "100") -> tuple[str, tuple[str, ...]]:
    return with_reasons(before, before.replace(f"> {of} USD", f"> {to} USD"))


@pytest.mark.parametrize(
    ("because", "new"),
    [
        ("Above 100 USD a person signs.", "Above 260 USD a person signs."),
        ("Above $100 a person signs.", "Above $260 a person signs."),
        ("Above one hundred dollars a person signs.", "Above 260 dollars a person signs."),
        ("'Above 100 USD: a person''s turn.'", "Above 260 USD: a person's turn."),
        (">-\n      Above 100 USD\n      a person signs.", "Above 260 USD a person signs."),
        (
            '"Above 100\\u00a0USD a person signs."  # 100, said the board',
            "Above 260\u00a0USD a person signs.",
        ),
        ("Of 2100 orders those above 100 are signed.", "Of 2100 orders those above 260 are signed."),
    ],
)
def test_a_reason_that_names_a_moved_number_once_names_the_new_one(because: str, new: str) -> None:
    after, remarks = moved(text(because))
    assert reason(after) == new
    assert remarks == ()
    assert "said the board" not in because or "# 100, said the board" in after


@pytest.mark.parametrize(
    "because",
    [
        "Above 100 USD, a hundred and not more, a person signs.",
        "100 USD is 100 USD.",
    ],
)
def test_a_reason_that_names_it_more_than_once_is_left_and_has_to_be_looked_at(because: str) -> None:
    after, (remark,) = moved(text(because))
    assert reason(after) == because
    assert remark == "Look at `because` of big: it names 100, which is 260 now."


@pytest.mark.parametrize(
    "because", ["Large refunds are signed.", "Above 1000 USD it is another rule.", "So."]
)
def test_a_reason_that_does_not_name_it_is_left_without_a_word(because: str) -> None:
    after, remarks = moved(text(because))
    assert (reason(after), remarks) == (because, ())


def test_no_one_is_not_the_number_one() -> None:
    after, (remark,) = moved(text("No one is above it.", when="refund.amount > 1 USD"), of="1")
    assert reason(after) == "No one is above it."
    assert "it names 1" in remark


def test_two_numbers_that_move_into_each_others_place_are_both_right() -> None:
    before = text("From 100 to 500 USD.", when="refund.amount > 100 USD and refund.amount <= 500 USD")
    after, remarks = with_reasons(before, before.replace("<= 500", "<= 900").replace("> 100", "> 500"))
    assert (reason(after), remarks) == ("From 500 to 900 USD.", ())


def test_a_number_that_also_stands_unmoved_has_to_be_looked_at() -> None:
    before = text("Up to 100.", when="refund.amount > 100 USD or refund.amount == 100 USD")
    after, remarks = moved(before)
    assert reason(after) == "Up to 100."
    assert len(remarks) == 1


def test_a_source_is_a_quotation_that_is_never_changed_and_is_said_to_name_the_old_number() -> None:
    before = text("Above 100 USD.", more='    source: "Refunds above 100 dollars are signed."\n')
    after, (remark,) = moved(before)
    assert reason(after) == "Above 260 USD."
    assert 'source: "Refunds above 100 dollars are signed."' in after
    assert remark == "`source` of big is a quotation and stays as it is; it still names 100."


@pytest.mark.parametrize(
    ("name", "old", "new"), [("baseline", "70 %", "83.4 %"), ("banking", "80 %", "83.4 %")]
)
def test_a_confidence_is_written_in_per_cent_where_the_reason_does(name: str, old: str, new: str) -> None:
    before = read_source(name)[1]
    patch = proved(before, threshold_set(before, "low-confidence", "confidence", 0.834), file=name)
    assert patch.is_ready
    assert f"less than {old} likely" in before
    assert f"+    because: An answer that is less than {new} likely" in patch.diff


def test_a_limit_that_is_moved_by_a_finding_is_moved_in_its_reason_and_the_rest_is_said_in_the_proposal() -> (
    None
):
    up_to = FactCondition(tests=(FactTest(fact="refund.amount", operator="<=", size=260.0, unit="USD"),))
    before = text("Above 100 USD, not 100.")
    now = PolicyInForce(policy=loads(before), text=before, file="policy.yaml")
    patch = now.tried(narrowed(before, "big", up_to))
    proposal = now.change(Grounds(kind="needless", title="Move it", why="So.", suggestion="Read."), patch)
    assert proposal.suggestion == "Read. Look at `because` of big: it names 100, which is 260 now."
    shipped = read_source("support")[1]
    moved_there = proved(shipped, narrowed(shipped, "refund-over-100", up_to), file="support")
    assert "Refunds above 260 and up to 500 USD" in moved_there.after


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C"])), st.decimals(1, 10**6, places=2)
)
def test_whatever_a_reason_says_nothing_but_its_number_is_changed(words: str, to: Decimal) -> None:
    quoted = "'" + " ".join(words.split()).replace("'", "''") + "'"
    before = text(f"{quoted}")
    after, _ = moved(before, to=f"{to:f}")
    rest = [line for line in after.splitlines() if not line.startswith("    because:")]
    assert rest == [
        line for line in before.replace("> 100 USD", f"> {to:f} USD").splitlines() if "because:" not in line
    ]
    assert reason(after) == reason(before) or "100" in words or "hundred" in words


@pytest.mark.parametrize(
    ("because", "new"),
    [
        ("Unter 60 % Sicherheit liest ein Mensch.", "Unter 89,9 % Sicherheit liest ein Mensch."),
        ("Below 60 % a person reads.", "Below 89.9 % a person reads."),
        ("Unter 60 % (früher 55,5 %).", "Unter 89,9 % (früher 55,5 %)."),
        ("Below 60 % of 1,000 a person reads.", "Below 89.9 % of 1,000 a person reads."),
    ],
)
def test_tenths_stand_behind_the_mark_of_the_reasons_language(because: str, new: str) -> None:
    before = text(because, when="confidence < 0.6")
    after, remarks = with_reasons(before, before.replace("< 0.6", "< 0.899"))
    assert reason(after) == new
    assert not remarks
