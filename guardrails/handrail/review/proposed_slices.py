"""Thresholds for a slice of the traffic, where a confidence means less than elsewhere."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from handrail.review.conditions import FactCondition, FactTest, value_tests
from handrail.review.log_review import LogReview
from handrail.review.patches import NotPatchable, added
from handrail.review.policy_in_force import Grounds, PolicyInForce
from handrail.review.proposal import Proposal
from handrail.review.proposed_thresholds import LEAST_MOVE
from handrail.review.rule_search import TRIAL
from handrail.review.score_limits import score_limits
from handrail.review.score_worth import score_worth

HIGHEST = 0.98
"""Where no confidence is enough a rule is missing, and no threshold."""


def proposed_slices(review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    """Yield a rule for each value of a text fact whose answers need more confidence than all others do.

    The slice's whole interval lies above the limit in force and above the interval of all answers together.
    It only stops more, so it is on trial like any rule that is suspected.
    """
    limits = list(score_limits(now.policy))
    whole = review.worth()
    if not limits or whole is None:
        return
    limit = max(limits, key=lambda one: one.limit)
    seen = review.decided_by_score()
    for test in value_tests(seen.facts):
        if test.operator != "in":
            continue
        inside = np.array([test.holds(facts.get(test.fact)) for facts in seen.facts], dtype=np.bool_)
        worth = score_worth(seen.taken(inside), review.settings.costs.break_even)
        if worth is None or worth.low <= max(limit.limit + LEAST_MOVE, whole.high):
            continue
        size = round(worth.cautious, 2)
        if size > HIGHEST:
            continue
        condition = FactCondition(tests=(test, FactTest(fact=limit.fact, operator="<=", size=size)))
        name = f"{TRIAL}{test.values[0]}-{limit.fact}".replace(".", "-").replace("_", "-")
        if any(rule.id == name for rule in now.policy.hand_offs):
            continue
        because = f"On trial: {worth.wrong} of {worth.verdicts} such answers were wrong, most of them unsure."
        grounds = Grounds(
            kind="likely_slice",
            title=f"Ask for a {limit.fact} of {size:g} where {test}",
            why=(
                f"By {worth.verdicts} verdicts, {worth.wrong} of them wrong, a look pays there below "
                f"{worth.score:.2f} ({worth.low:.2f} to {worth.high:.2f}, 80 % interval), elsewhere below "
                f"{whole.score:.2f}."
            ),
            effect=f"Below it {review.settings.costs.break_even:.0%} or more of them should be wrong.",
        )
        with suppress(NotPatchable):
            after = added(now.text, name, condition, to=now.policy.if_unsure, because=because)
            yield now.change(grounds, now.tried(after))
