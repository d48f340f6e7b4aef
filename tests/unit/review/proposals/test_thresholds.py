"""A threshold's cost stands beside its gain, and page and diff write it alike."""

import re
from functools import cache

import pytest
from tests.support.scored_log import scored_week
from tests.support.topics import POLICY

from handrail.policy import loads
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Proposal
from handrail.review.evidence.certified import Certified
from handrail.review.evidence.log_review import LogReview, LogSettings
from handrail.review.evidence.score_limits import score_limits
from handrail.review.figures.log_figures import log_figures
from handrail.review.page.log_charts import plots
from handrail.review.proposals.thresholds import proposed_thresholds
from handrail.review.week.language import ENGLISH

WEEKS = 6


@cache
def followed() -> LogReview:
    review = LogReview(LogSettings())
    for week in range(WEEKS):
        review.take(scored_week(week, lambda topic: 0.2))
    return review


def proposed(limit: float, certified: float) -> Proposal:
    text = POLICY.replace("LIMIT", f"{limit:g}")
    rows = [
        {
            "outcome": "passed",
            "stage": "answer",
            "effect": "pass" if score >= limit else "hand_off",
            "facts": {
                "topic": {"kind": "text", "value": "other"},
                "confidence": {"kind": "number", "value": f"{score:g}"},
            },
        }
        for score in followed().decided_by_score().score
    ]
    now = PolicyInForce(
        policy=loads(text),
        text=text,
        file="policy.yaml",
        rows=rows,
        weeks=WEEKS,
        certified=Certified(whole=certified),
    )
    (one,) = proposed_thresholds(followed(), now)
    return one


@pytest.mark.parametrize(
    ("limit", "certified", "words"), [(0.5, 0.9501, "Of what it stops more"), (0.97, 0.9, "stops no more")]
)
def test_a_moved_threshold_says_how_many_wrong_answers_that_moves(
    limit: float, certified: float, words: str
) -> None:
    one = proposed(limit, certified)
    assert one.is_ready, one.problems
    assert words in one.effect
    found = re.search(r"([\d.]+) to ([\d.]+) answers a week are wrong, by (\d+) of (\d+)", one.effect)
    assert found is not None
    low, high, wrong, read = map(float, found.groups())
    moved = re.search(r"(\d+) hand-offs (?:more|fewer)", one.replay)
    assert moved is not None
    assert low < wrong / read * int(moved[1]) / WEEKS < high
    # Few of them are wrong, so that a look at each costs more than it saves.
    assert (one.worth < -1) is (words == "Of what it stops more")


def test_the_page_writes_a_certified_threshold_as_the_policy_does() -> None:
    review = followed()
    figures = log_figures(scored_week(WEEKS, lambda topic: 0.2), review)
    text = loads(proposed(0.5, figures.threshold).text)
    (limit,) = {one.limit for one in score_limits(text)}
    assert limit >= figures.threshold
    assert f"{limit:.3f}" in plots(figures, ENGLISH)["coverage"][1]
