import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from tests.support.scored_log import scored_week
from tests.support.topics import POLICY

from handrail.errors import ConfigError
from handrail.policy import loads
from handrail.review.changes.accept import accept, stricter_changes
from handrail.review.changes.patches import threshold_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.promise import broken
from handrail.review.changes.proposal import Proposal, digest, read_proposal, write_proposals
from handrail.review.evidence.certificate import Certificate
from handrail.review.evidence.certified import Certified, CertifiedSlice, rounded_up
from handrail.review.evidence.costs import Costs
from handrail.review.evidence.log_review import LogReview, LogSettings
from handrail.review.evidence.score_limits import Slice, score_limits
from handrail.review.figures.log_figures import log_figures
from handrail.review.page.log_sections import sections
from handrail.review.page.log_tables import as_tables
from handrail.review.page.tables import Tables
from handrail.review.proposals.slices import proposed_slices
from handrail.review.proposals.thresholds import proposed_thresholds

CARD = Slice(fact="topic", value="card")


def worse_where_it_is_a_card(topic: str) -> float:
    return 1.5 if topic == "card" else 0.3


def bad_everywhere(topic: str) -> float:
    return 1.1


@cache
def followed(wrong: Callable[[str], float], weeks: int = 14) -> LogReview:
    review = LogReview(LogSettings(costs=Costs(missed=10.0), slices=(CARD,)))
    for week in range(weeks):
        review.take(scored_week(week, wrong))
    return review


def in_force(review: LogReview, limit: float = 0.9, text: str = POLICY) -> PolicyInForce:
    text = text.replace("LIMIT", f"{limit:g}")
    certified = Certified(whole=review.certificate.threshold, slices=review.certificate.slices)
    return PolicyInForce(policy=loads(text), text=text, file="policy.yaml", certified=certified)


def proposed(review: LogReview, now: PolicyInForce, kind: str) -> list[Proposal]:
    return [one for one in proposed_slices(review, now) if one.kind == kind]


def test_a_slice_in_which_a_score_means_less_gets_its_own_threshold_and_the_rest_a_lower_one() -> None:
    review = followed(worse_where_it_is_a_card)
    now = in_force(review)
    (found,) = proposed(review, now, "slice_threshold")
    assert found.is_ready, found.problems
    (certified,) = found.certified_slices
    limits = {one.slice: one.limit for one in score_limits(loads(found.text))}
    assert certified.outside <= limits[None] < certified.outside + 0.001
    assert certified.inside <= limits[CARD] < certified.inside + 0.001
    assert limits[None] < 0.9 < limits[CARD]
    assert f"{limits[CARD]:.3f} where {CARD}" in found.title
    assert "trigger: low_confidence" in found.diff


def test_an_accepted_slice_keeps_what_was_proved_and_one_that_was_forged_is_refused(tmp_path: Path) -> None:
    review = followed(worse_where_it_is_a_card)
    now = in_force(review)
    policy, today = tmp_path / "policy.yaml", date(2026, 11, 29)
    policy.write_text(now.text)
    (made,) = proposed(review, now, "slice_threshold")
    write_proposals([made], tmp_path)
    found = read_proposal(tmp_path / "proposals.json", made.id)
    lower = threshold_set(found.text, "low-confidence", "confidence", 0.3)
    forged = replace(found, text=lower, result=digest(lower))
    with pytest.raises(ConfigError, match="not certified"):
        accept(forged, policy, "petra", people=None, today=today, effective=today)
    accept(found, policy, "petra", people=None, today=today, effective=today)
    ((before, after),) = stricter_changes(policy)
    certificate = Certificate(alpha=0.05, delta=0.1)
    for week in range(6):
        log = scored_week(week, worse_where_it_is_a_card, policy=before)
        certificate.take(log, log.probability, log.is_drawn)
    assert certificate.under(after) == Certified()
    certificate.goes_on(after, after=before)
    assert certificate.under(after) == certificate.under(before) != Certified()


def test_where_a_score_means_the_same_everywhere_no_slice_is_proposed() -> None:
    review = followed(bad_everywhere)
    assert not list(proposed_slices(review, in_force(review)))
    assert not list(proposed_slices(review, in_force(review, 0.5)))


def test_once_the_policy_has_a_certified_slice_nothing_is_proposed_again() -> None:
    review = followed(worse_where_it_is_a_card)
    (found,) = proposed(review, in_force(review), "slice_threshold")
    now = in_force(review, text=found.text)
    assert not list(proposed_slices(review, now))
    assert not list(proposed_thresholds(review, now))


def test_without_verdicts_nothing_is_certified_and_nothing_proposed() -> None:
    review = followed(worse_where_it_is_a_card, weeks=1)
    assert not proposed(review, in_force(review), "slice_threshold")


def test_a_slice_whose_answers_need_more_confidence_is_tried_with_a_rule_that_only_stops_more() -> None:
    review = followed(worse_where_it_is_a_card, weeks=3)
    now = in_force(review, 0.5)
    (found,) = proposed(review, now, "likely_slice")
    assert found.is_ready, found.problems
    before = {one.rule: one.limit for one in score_limits(now.policy)}
    after = {one.rule: one.limit for one in score_limits(loads(found.text))}
    assert after["low-confidence"] == before["low-confidence"]
    assert after["try-card"] > 0.5
    assert "80 % interval" in found.why


def test_a_slice_that_has_a_rule_is_not_tried_again() -> None:
    review = followed(worse_where_it_is_a_card, weeks=3)
    (found,) = proposed(review, in_force(review, 0.5), "likely_slice")
    assert not proposed(review, in_force(review, text=found.text), "likely_slice")


def test_of_a_certified_slice_no_estimate_is_proposed_beside_it() -> None:
    review = followed(worse_where_it_is_a_card)
    assert [one.kind for one in proposed_slices(review, in_force(review, 0.5))] == ["slice_threshold"]


def test_a_policy_that_holds_confidence_against_nothing_gets_no_slice() -> None:
    review = followed(worse_where_it_is_a_card)
    text = POLICY.replace("confidence is known and confidence < LIMIT", 'topic == "card"')
    assert not list(proposed_slices(review, in_force(review, text=text)))


def test_what_is_accepted_for_a_slice_cannot_be_made_more_of() -> None:
    now = in_force(followed(worse_where_it_is_a_card))
    one = CertifiedSlice(slice=CARD, inside=0.95, outside=0.7)
    rule = (
        '  - id: slice-card\n    when: topic == "card" and confidence < AT\n    to: lead\n'
        "    trigger: low_confidence\n    because: So.\n"
    )

    def problems(before: str, after: str, certified: Certified) -> list[str]:
        return list(broken(before, after, loads(before), loads(after), certified=certified))

    certified = Certified(whole=0.92, slices=(one,))
    both = now.text.replace("< 0.9", "< 0.7") + rule.replace("AT", "0.95")
    assert problems(now.text, both, certified) == []
    assert problems(now.text, both, Certified())
    assert problems(now.text, both.replace("< 0.7", "< 0.69"), certified)
    assert problems(now.text, both.replace("< 0.95", "< 0.94"), certified)
    assert problems(now.text, both.replace("low_confidence", "high_stakes"), certified)
    # Beside the slice 0.7 rests on the slice's own threshold: the one for all answers does not replace it.
    assert problems(both, both.replace("< 0.95", "< 0.92"), certified)
    assert problems(both, both.replace(rule.replace("AT", "0.95"), ""), certified)


def test_the_page_shows_what_is_certified_of_each_slice_and_how_few_of_it_were_read() -> None:
    review = followed(worse_where_it_is_a_card)
    figures = log_figures(scored_week(14, worse_where_it_is_a_card, count=9), review)
    (row,) = as_tables(figures)["slices"]
    assert (row["slice"], row["answers"]) == (str(CARD), 3)
    (certified,) = review.certificate.slices
    shown = sections(figures, Tables())["slices"]
    assert f"{rounded_up(certified.inside):.3f}" in shown
    assert f"{rounded_up(certified.outside):.3f}" in shown
    assert 'class="few"' in shown


def test_the_page_shows_a_dash_where_nothing_is_certified_of_a_slice() -> None:
    review = followed(worse_where_it_is_a_card, weeks=1)
    figures = log_figures(scored_week(1, worse_where_it_is_a_card), review)
    assert [one.inside for one in figures.slices] == [math.inf]
    assert as_tables(figures)["slices"][0]["certified_there"] is None
    assert "–" in sections(figures, Tables())["slices"]
