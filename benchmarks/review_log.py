"""What the two runs through a simulated quarter share: reading a week's records, and costs."""

from collections.abc import Iterable, Mapping

from handrail.policy.runtime.log_row import read_row
from handrail.records import FactValue, Stage
from handrail.review.evidence.costs import Costs
from handrail.review.log.review_log import ReviewLog, review_log

COSTS = Costs(missed=4.0)


def log_of(records: Iterable[object]) -> ReviewLog:
    """Return a week's records as the review reads them."""
    return review_log([row for row in map(read_row, records) if row is not None])


def stage_of(facts: Mapping[str, FactValue]) -> Stage:
    """Return the stage that decides: a call is decided when it is proposed."""
    return Stage.TOOL if "tool.name" in facts else Stage.ANSWER
