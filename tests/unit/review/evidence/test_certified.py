import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.topics import POLICY

from handrail.policy import loads
from handrail.review.evidence.certified import Certified, CertifiedSlice
from handrail.review.evidence.score_limits import ScoreLimit, Slice, score_limits

ALPHA = 0.1
PART = Slice(fact="topic", value="card")
Answer = tuple[bool, float, bool]
"""Whether it is of the slice, its score, whether it is wrong."""

answers = st.lists(
    st.tuples(st.booleans(), st.sampled_from([0.2, 0.4, 0.6, 0.8, 1.0]), st.booleans()), min_size=1
)
numbers = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9])


def least(some: list[Answer]) -> float:
    """The loosest threshold, with all stricter ones, that passes at most alpha of some answers and wrong."""
    if not some:
        return math.inf
    found = math.inf
    for threshold in (1.0, 0.8, 0.6, 0.4, 0.2):
        if np.mean([wrong and score >= threshold for _, score, wrong in some]) > ALPHA:
            break
        found = threshold
    return found


def certified(some: list[Answer]) -> Certified:
    inside, outside = [one for one in some if one[0]], [one for one in some if not one[0]]
    of_slice = CertifiedSlice(slice=PART, inside=least(inside), outside=least(outside))
    return Certified(whole=least(some), slices=(of_slice,))


def limits(whole: float, part: float) -> list[ScoreLimit]:
    of_slice = [ScoreLimit(rule="p", fact="confidence", limit=part, slice=PART)] if part else []
    return [ScoreLimit(rule="w", fact="confidence", limit=whole), *of_slice]


def risk(some: list[Answer], whole: float, part: float) -> float:
    return float(
        np.mean([wrong and score >= max(whole, part if is_in else 0.0) for is_in, score, wrong in some])
    )


@given(answers, numbers, st.just(0.0) | numbers, numbers, st.just(0.0) | numbers)
def test_no_change_that_is_let_by_passes_more_than_alpha_and_wrong(
    some: list[Answer], whole: float, part: float, new_whole: float, new_part: float
) -> None:
    kept = not list(certified(some).broken(limits(whole, part), limits(new_whole, new_part)))
    assert not kept or risk(some, new_whole, new_part) <= max(ALPHA, risk(some, whole, part))


def test_a_change_that_keeps_to_a_slice_is_let_by_and_one_further_is_not() -> None:
    found = Certified(whole=0.9, slices=(CertifiedSlice(slice=PART, inside=0.9, outside=0.5),))
    assert not list(found.broken(limits(0.9, 0.0), limits(0.5, 0.9)))
    assert list(found.broken(limits(0.9, 0.0), limits(0.3, 0.9)))
    assert list(found.broken(limits(0.9, 0.0), limits(0.5, 0.7)))


def read(condition: str) -> list[tuple[float, Slice | None, bool]]:
    text = POLICY.replace("confidence is known and confidence < LIMIT", condition)
    return [(one.limit, one.slice, one.is_bet_on) for one in score_limits(loads(text))]


def test_a_slice_is_a_single_value_beside_a_number() -> None:
    assert read("confidence < 0.9") == [(0.9, None, True)]
    assert read('topic == "card" and confidence < 0.9') == [(0.9, PART, True)]
    assert read('confidence is known and (topic == "card" and confidence <= 0.9)') == [(0.9, PART, True)]
    assert read('topic in ["card", "other"] and confidence < 0.9') == [(0.9, None, True)]
    assert read('topic == "card" or confidence < 0.9')[0][:2] == (0.9, None)


def test_a_number_under_a_not_is_no_limit_because_less_of_it_stops_more() -> None:
    assert read("not (confidence < 0.9)") == []
    assert read('topic == "card" and not (confidence < 0.9)') == []
