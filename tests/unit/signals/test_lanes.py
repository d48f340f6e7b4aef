import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.signals.lanes import LANE, laned, packed_lanes, unpacked_lanes

HEADS = 3
WEIGHTS = {"get me": {0: 64, 2: -7}, "fever": {1: -(2**15)}, "nothing": {}, "all": {0: 1, 1: 2, 2: 2**15 - 1}}

rows = st.dictionaries(st.integers(0, HEADS - 1), st.integers(-(2**15), 2**15 - 1).filter(bool))
tables = st.dictionaries(st.text("ab ", min_size=1), rows, min_size=1)


@given(tables)
def test_weights_come_back_as_they_were(weights: dict[str, dict[int, int]]) -> None:
    assert laned(weights, HEADS) == weights
    assert unpacked_lanes(list(weights), packed_lanes(weights, HEADS), HEADS) == weights


def test_one_addition_adds_the_weights_of_all_heads() -> None:
    totals = laned(WEIGHTS, HEADS).totals
    assert totals["get me"] + totals["all"] == 65 + (2 << LANE) + (2**15 - 1 - 7 << 2 * LANE)


@pytest.mark.parametrize("weights", [{"a": {3: 1}}, {"a": {-1: 1}}, {"a": {0: 2**31}}])
def test_a_weight_of_no_head_or_too_large_for_its_lane_is_refused(weights: dict[str, dict[int, int]]) -> None:
    with pytest.raises(ValueError, match="weight"):
        laned(weights, HEADS)


def test_a_weight_that_would_be_cut_is_not_packed() -> None:
    with pytest.raises(ValueError, match="16 bits"):
        packed_lanes({"a": {0: 2**15}}, HEADS)


@pytest.mark.parametrize(
    ("names", "packed"), [(["a"], "AAAA"), (["a", "b"], "AAAAAAAA"), (["a"], "no base64"), ([], "AAAAAAAA")]
)
def test_what_is_not_one_weight_for_each_feature_and_head_is_refused(names: list[str], packed: str) -> None:
    with pytest.raises(ValueError):
        unpacked_lanes(names, packed, HEADS)
