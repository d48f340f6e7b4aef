import math

import pytest

from handrail.policy import loads
from handrail.policy.file.read import read_source
from handrail.review.changes.patches import narrowed, retired, threshold_set
from handrail.review.changes.promise import broken
from handrail.review.evidence.certified import Certified
from handrail.review.log.conditions import FactCondition, FactTest

SUPPORT = read_source("support")[1]
DISPUTED = FactCondition(tests=(FactTest(fact="customer.disputes", operator="yes"),))


def problems(after: str, certified: float = math.inf) -> list[str]:
    proved = Certified(whole=certified)
    return list(broken(SUPPORT, after, loads(SUPPORT), loads(after), certified=proved))


@pytest.mark.parametrize(
    "after",
    [
        threshold_set(SUPPORT, "low-confidence", "confidence", 0.699),
        retired(SUPPORT, "low-confidence"),
        narrowed(SUPPORT, "low-confidence", DISPUTED),
        retired(SUPPORT, "payment-data"),
        narrowed(SUPPORT, "complaint", DISPUTED),
        retired(SUPPORT, "account-deletion"),
        SUPPORT.replace("    effect: redact\n", "    effect: hand_off\n    to: supervisor\n", 1),
        SUPPORT.replace("if_unsure: queue_manager", "if_unsure: supervisor"),
        SUPPORT.replace("mode: enforce", "mode: shadow", 1),
    ],
)
def test_what_protects_people_and_what_was_proved_is_not_for_a_proposal(after: str) -> None:
    assert problems(after)


@pytest.mark.parametrize(
    "after",
    [
        threshold_set(SUPPORT, "low-confidence", "confidence", 0.9),
        retired(SUPPORT, "refund-over-100"),
        SUPPORT.replace("    to: support_lead\n", "    to: supervisor\n"),
    ],
)
def test_what_stops_more_moves_work_or_rests_a_limit_is_for_a_proposal(after: str) -> None:
    assert problems(after) == []


PAYMENT = "    to: billing_specialist\n    also: redact\n"
NEVER = "    to: supervisor\n    trigger: never_ai\n    severity: high\n"
COMPLAINT = "    to: supervisor\n    because: Complaints"


def replaced(old: str, new: str) -> str:
    assert old in SUPPORT
    return SUPPORT.replace(old, new, 1)


@pytest.mark.parametrize(
    "after",
    [
        replaced("    also: redact\n", ""),
        replaced(PAYMENT, PAYMENT + "    trigger: high_stakes\n"),
        replaced(NEVER, NEVER.replace("never_ai", "high_stakes")),
        replaced(NEVER, NEVER.replace("high", "low")),
        replaced(NEVER, NEVER.replace("supervisor", "queue_manager")),
        replaced(COMPLAINT, "    trigger: low_confidence\n" + COMPLAINT),
        replaced(COMPLAINT, COMPLAINT.replace("supervisor", "support_lead")),
        replaced(COMPLAINT, "    notice: pending\n" + COMPLAINT),
        replaced("    to: finance_lead\n    severity: high\n", "    to: finance_lead\n    severity: low\n"),
        replaced("    to: support_lead\n", "    to: support_lead\n    trigger: low_confidence\n"),
        retired(retired(SUPPORT, "refund-over-500"), "refund-over-100"),
    ],
)
def test_what_a_rule_does_and_who_decides_it_is_not_weakened_beside_its_condition(after: str) -> None:
    assert problems(after)


def test_a_second_role_that_must_agree_is_not_dropped() -> None:
    before = replaced(NEVER, NEVER.replace("trigger", "also_to: [finance_lead]\n    trigger"))
    assert list(broken(before, SUPPORT, loads(before), loads(SUPPORT)))


TESTED = "    given: {customer.complains: true}\n    expect: {hand_off: [supervisor], rules: [complaint]}\n"
MOVED = "    given: {tool.name: issue_refund, refund.amount: 250 USD}\n    expect: "
WAS = "{hand_off: [support_lead], triggers: [high_stakes]}"


@pytest.mark.parametrize(
    "after",
    [
        SUPPORT.partition("\ntests:\n")[0] + "\n",
        replaced("  - name: a complaint goes to the supervisor\n" + TESTED, ""),
        replaced(TESTED, TESTED.replace(", rules: [complaint]", "")),
        replaced(TESTED, TESTED.replace("complains: true", "disputes: true")),
        retired(replaced(MOVED + WAS, MOVED + "{rules: []}"), "refund-over-100"),
        retired(replaced(MOVED + WAS, MOVED + "{effect: block}"), "refund-over-100"),
    ],
)
def test_a_test_is_neither_dropped_nor_made_to_say_less_than_the_change_asks_for(after: str) -> None:
    assert any(one.startswith("the test") for one in problems(after))


def test_a_test_is_given_the_outcome_that_a_change_moves() -> None:
    assert problems(retired(replaced(MOVED + WAS, MOVED + "{effect: pass}"), "refund-over-100")) == []


FIRST, SECOND = (
    "confidence < 0.9 or confidence < 0.3 and customer.disputes",
    "confidence < 0.3 or confidence < 0.9 and customer.disputes",
)


@pytest.mark.parametrize(("before", "after"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_two_limits_of_one_condition_do_not_change_places(before: str, after: str) -> None:
    was, now = (replaced("confidence is known and confidence < 0.70", one) for one in (before, after))
    assert list(broken(was, now, loads(was), loads(now)))
    assert not list(broken(was, was, loads(was), loads(was)))


FINDS = """\
policy: shop
version: "1"
if_unsure: queue_manager
roles:
  queue_manager: {}
facts:
  order.state: {type: one of, values: [paid, sent], from: context.state}
  output.findings: {type: set, values: [card]}
hand_offs:
  - id: card
    when: output.findings has card
    effect: redact
    because: No card leaves.
"""


@pytest.mark.parametrize(
    ("old", "new", "is_kept"),
    [
        ("[card]", "[card, tour_number]", True),
        ("[card]", "[tour_number]", False),
        ("[card]}", "[card], optional: true}", False),
        ("[paid, sent]", "[paid, sent, lost]", False),
        ("facts:\n", "facts:\n  order.id: {type: text}\n", False),
    ],
)
def test_of_facts_a_proposal_names_further_findings_only(old: str, new: str, is_kept: bool) -> None:
    problems = list(broken(FINDS, FINDS.replace(old, new), loads(FINDS), loads(FINDS)))
    assert problems == ([] if is_kept else ["`facts` is not for a proposal to change"])


def test_a_threshold_goes_down_to_what_is_certified_and_no_further() -> None:
    assert problems(threshold_set(SUPPORT, "low-confidence", "confidence", 0.6), certified=0.6) == []
    assert problems(threshold_set(SUPPORT, "low-confidence", "confidence", 0.599), certified=0.6)
