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
