"""Thresholds for a slice of the traffic in which a confidence means less: certified, or on trial."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from handrail.policy import Policy
from handrail.records import Trigger
from handrail.review.changes.patches import NotPatchable, added, threshold_set
from handrail.review.changes.policy_in_force import PolicyInForce
from handrail.review.changes.proposal import Grounds, Proposal
from handrail.review.evidence.candidate import TRIAL
from handrail.review.evidence.certified import Certified, CertifiedSlice, rounded_up
from handrail.review.evidence.log_review import LogReview
from handrail.review.evidence.score_limits import ScoreLimit, Slice, score_limits, whole_limits
from handrail.review.evidence.score_worth import score_worth
from handrail.review.log.conditions import FactCondition, FactTest, value_tests
from handrail.review.proposals.thresholds import LEAST_MOVE

HIGHEST = 0.98
"""Where no confidence is enough a rule is missing, and no threshold."""
CERTIFIED = "slice-"
"""How the name of a rule begins that asks for what is certified in a slice."""


def proposed_slices(review: LogReview, now: PolicyInForce) -> Iterator[Proposal]:
    """Yield what is certified of a slice, and a rule on trial where answers seem to need more confidence."""
    limit = max(whole_limits(now.policy), key=lambda one: one.limit, default=None)
    if limit is None:
        return
    certified = _best(now.certified)
    if certified is not None:
        yield from _certified(certified, limit, review, now)
    for part, proposal in _likely(limit, review, now):
        # Of a slice with a certified threshold that one is proposed, and no estimate.
        if certified is None or part != certified.slice:
            yield proposal


def _best(certified: Certified) -> CertifiedSlice | None:
    """Return the certified slice beside which least confidence is enough, None where none is worth a rule.

    What is enough beside it must not be enough for all answers: else one threshold is the simpler promise.
    """
    worth_it = [
        one
        for one in certified.slices
        if one.inside < 1.0 and one.outside < min(one.inside, certified.whole) - LEAST_MOVE
    ]
    return min(worth_it, key=lambda one: one.outside, default=None)


def _certified(
    found: CertifiedSlice, limit: ScoreLimit, review: LogReview, now: PolicyInForce
) -> Iterator[Proposal]:
    """Yield the change of the policy to the certified thresholds of a slice and of everything beside it."""
    inside, outside = rounded_up(found.inside), rounded_up(found.outside)
    settings = review.settings
    grounds = Grounds(
        kind="slice_threshold",
        title=(
            f"Ask for a {limit.fact} of {inside:.3f} where {found.slice}, of {outside:.3f} elsewhere "
            f"(now {limit.limit:g})"
        ),
        why=(
            f"Certified with probability {1 - settings.delta:.0%}, for all slices together: at most "
            f"{settings.alpha:.0%} of the answers that a score decides are then passed and wrong, there and "
            f"elsewhere. In the slice {found.verdicts} of {found.answers} such answers were read. The "
            "promise ends when the model changes."
        ),
        effect=f"At most {settings.alpha:.0%} of such answers are passed and wrong, there and elsewhere.",
        about=limit.rule,
        wrong=settings.alpha,
    )
    with suppress(NotPatchable):
        after = _text_with(found, limit, inside, outside, now)
        if after != now.text:
            rests_on = Certified(slices=(found,))
            yield now.change(grounds, now.tried(after), certified=rests_on)


def _text_with(
    found: CertifiedSlice, limit: ScoreLimit, inside: float, outside: float, now: PolicyInForce
) -> str:
    text = now.text
    if limit.limit < outside or limit.limit >= outside + LEAST_MOVE:
        text = threshold_set(text, limit.rule, limit.fact, outside)
    mine = _limit_in(now.policy, found.slice)
    if mine is None:
        because = "A score means less here than elsewhere, so more of it is asked for."
        name = _name(CERTIFIED, found.slice, now.policy)
        return _added(text, name, _condition(found.slice, limit.fact, inside), now.policy.if_unsure, because)
    if mine.limit < inside or mine.limit >= inside + LEAST_MOVE:
        text = threshold_set(text, mine.rule, mine.fact, inside)
    return text


def _likely(limit: ScoreLimit, review: LogReview, now: PolicyInForce) -> Iterator[tuple[Slice, Proposal]]:
    """Yield a rule for each value of a text fact whose answers need more confidence than all others do.

    The slice's whole interval lies above the limit in force and above the interval of all answers together.
    It only stops more, so it is on trial like any rule that is suspected.
    """
    whole = review.worth()
    if whole is None:
        return
    seen = review.decided_by_score()
    for test in value_tests(seen.facts):
        if test.operator != "in":
            continue
        part = Slice(fact=test.fact, value=test.values[0])
        inside = np.array([part.holds(facts) for facts in seen.facts], dtype=np.bool_)
        worth = score_worth(seen.taken(inside), review.settings.costs.break_even)
        if worth is None or worth.low <= max(limit.limit + LEAST_MOVE, whole.high):
            continue
        size = round(worth.cautious, 2)
        if size > HIGHEST or _limit_in(now.policy, part) is not None:
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
            about=str(test),
            wrong=worth.wrong / max(1, worth.verdicts),
        )
        with suppress(NotPatchable):
            name, condition = _name(TRIAL, part, now.policy), _condition(part, limit.fact, size)
            after = _added(now.text, name, condition, now.policy.if_unsure, because)
            yield part, now.change(grounds, now.tried(after))


def _limit_in(policy: Policy, part: Slice) -> ScoreLimit | None:
    """Return the highest limit that a rule in force has for a slice, None without one."""
    mine = (one for one in score_limits(policy) if one.slice == part and one.is_bet_on)
    return max(mine, key=lambda one: one.limit, default=None)


def _added(text: str, name: str, condition: FactCondition, to: str, because: str) -> str:
    """Return the text with a rule for a slice; it hands off for low confidence, which bets can follow."""
    return added(text, name, condition, to=to, because=because, trigger=Trigger.LOW_CONFIDENCE)


def _condition(part: Slice, fact: str, size: float) -> FactCondition:
    value = FactTest(fact=part.fact, operator="in", values=(part.value,))
    return FactCondition(tests=(value, FactTest(fact=fact, operator="<=", size=size)))


def _name(prefix: str, part: Slice, policy: Policy) -> str:
    """Return a name for a slice's rule that says its value, and that no other rule has."""
    words = re.sub(r"[^a-z0-9]+", "-", part.value.lower()).strip("-")
    name = f"{prefix}{words}".strip("-")
    if words and not any(rule.id == name for rule in policy.hand_offs):
        return name
    return f"{prefix}{hashlib.sha256(str(part).encode()).hexdigest()[:6]}"
