import pytest

from handrail.policy import loads
from handrail.policy.file.document import Document
from handrail.policy.file.read import read_source
from handrail.policy.runtime.log_row import as_data, read_row
from handrail.review.changes.patches import (
    NotPatchable,
    PolicyPatch,
    added,
    narrowed,
    proved,
    retired,
    threshold_set,
)
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.evidence.log_review import LogReview, LogSettings, limits_of
from handrail.review.log.conditions import FactCondition, FactTest
from handrail.review.log.review_log import review_log
from handrail.review.proposals.proposing import propose_changes
from handrail.testing.quarter import QuarterSettings, quarter

SUPPORT = read_source("support")[1]
UP_TO_260 = FactCondition(tests=(FactTest(fact="refund.amount", operator="<=", size=260.0, unit="USD"),))
HAS_CARD = FactCondition(tests=(FactTest(fact="input.findings", operator="has", values=("card",)),))


def patched(after: str) -> PolicyPatch:
    return proved(SUPPORT, after, file="support.yaml")


def test_a_limit_is_moved_in_its_place_and_the_test_and_the_reason_that_spoke_of_it_say_so() -> None:
    patch = patched(narrowed(SUPPORT, "refund-over-100", UP_TO_260))
    assert patch.is_ready
    assert "refund.amount > 260 USD and refund.amount <= 500 USD" in patch.after
    assert patch.tests == ("250 dollars go to the support lead",)
    removed = [line for line in patch.diff.splitlines() if line.startswith("-") and line[:3] != "---"]
    assert len(removed) == 3


def test_a_rule_is_narrowed_by_what_need_not_be_stopped() -> None:
    patch = patched(narrowed(SUPPORT, "refund-over-500", HAS_CARD))
    assert patch.is_ready
    rule = next(rule for rule in loads(patch.after).hand_offs if rule.id == "refund-over-500")
    assert rule.when.text.endswith('and not (input.findings has "card")')


def test_a_rule_about_sensitive_data_is_never_ready_to_be_narrowed() -> None:
    patch = patched(narrowed(SUPPORT, "payment-data", HAS_CARD))
    assert not patch.is_ready
    assert "protects people" in patch.problems[0]


@pytest.mark.parametrize("name", ["support", "banking", "baseline", "clinic"])
def test_every_rule_of_every_shipped_policy_can_be_retired_or_says_why_not(name: str) -> None:
    text = read_source(name)[1]
    for rule in loads(text).hand_offs:
        if rule.is_built_in or f"id: {rule.id}" not in text:
            continue
        has_mode = any(
            "mode" in shape for shape in Document(text, name).value["hand_offs"] if shape["id"] == rule.id
        )
        if has_mode:
            with pytest.raises(NotPatchable, match="mode of its own"):
                retired(text, rule.id)
            continue
        text = retired(text, rule.id)
    retired_now = {rule.id: rule.is_shadow for rule in loads(text).hand_offs if not rule.is_built_in}
    assert all(retired_now.values())


def test_a_threshold_is_set_in_its_place_and_nowhere_else() -> None:
    patch = patched(threshold_set(SUPPORT, "low-confidence", "confidence", 0.8341))
    assert patch.is_ready
    assert "confidence is known and confidence < 0.834" in patch.after
    with pytest.raises(NotPatchable, match="one number"):
        threshold_set(SUPPORT, "refund-over-100", "confidence", 0.9)


def test_a_certified_threshold_is_proposed_with_its_promise_and_a_replay() -> None:
    played = quarter("support", QuarterSettings(weeks=5, weekly=400, wrong=0.03))
    review = LogReview(LogSettings(reads=limits_of(played.policy)))
    rows = []
    for week in played.weeks():
        rows += [row for row in map(read_row, week.records) if row is not None]
        review.take(review_log([row for row in map(read_row, week.records) if row is not None]))
    certified = review.weeks[-1].threshold
    assert certified < 0.98
    now = PolicyInForce(
        policy=played.policy,
        text=played.planted.text,
        file="policy.yaml",
        rows=[as_data(row) for row in rows],
        certified=review.certificate.under(played.policy.ref.sha256),
    )
    found = propose_changes(review_log(rows), review, now)
    (proposal,) = [one for one in found if one.kind == "threshold"]
    assert proposal.is_ready
    limit = float(proposal.text.split("confidence is known and confidence < ")[1].split()[0])
    assert certified <= limit < certified + 0.001
    assert "Certified with probability 90%" in proposal.why
    assert "On past decisions" in proposal.replay


def test_an_added_rule_is_the_last_one_and_hands_off() -> None:
    condition = FactCondition(tests=(FactTest(fact="tool.name", operator="in", values=("send_gift",)),))
    words = "Found: people changed 8 of 9."
    patch = patched(added(SUPPORT, "found-1", condition, to="queue_manager", because=words))
    assert patch.is_ready
    last = [rule for rule in loads(patch.after).hand_offs if not rule.is_built_in][-1]
    assert (last.id, last.role, last.because) == ("found-1", "queue_manager", words)


def test_a_patch_that_does_not_load_is_not_ready() -> None:
    condition = FactCondition(tests=(FactTest(fact="no.such_fact", operator="yes"),))
    patch = patched(added(SUPPORT, "found-1", condition, to="queue_manager", because="So."))
    assert not patch.is_ready
    assert "no.such_fact" in patch.problems[0]


def test_a_rule_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(NotPatchable, match="no-such-rule"):
        retired(SUPPORT, "no-such-rule")


def test_a_patch_is_tried_on_past_decisions() -> None:
    played = quarter("support", QuarterSettings(weeks=2, weekly=300), plants=("needless",))
    text = played.planted.text
    rows = [record for week in played.weeks() for record in week.records]
    patch = proved(text, retired(text, "read-every-look-up"), file="support.yaml", rows=rows)
    assert patch.is_ready
    assert patch.tried is not None
    assert patch.tried.no_longer > 20
    assert patch.tried.newly == 0
    assert all(read_row(row) is not None for row in rows)
