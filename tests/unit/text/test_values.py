"""Nested values are read leaf by leaf, and put together again as they were."""

from hypothesis import given
from hypothesis import strategies as st

from handrail.text.values import leaves, mapped, read, rewrite, written

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(value=JSON)
def test_what_changes_no_leaf_changes_nothing(value: object) -> None:
    assert mapped(value, lambda _, leaf: leaf) == value


@given(value=JSON)
def test_mapping_and_reading_meet_the_same_leaves(value: object) -> None:
    met: list[tuple[object, object]] = []
    mapped(value, lambda path, leaf: met.append((path, leaf)))
    assert met == list(leaves(value))


@given(value=JSON)
def test_every_text_is_read_and_goes_back_to_its_place(value: object) -> None:
    texts = [leaf.text for leaf in read(value)]
    assert texts == [leaf for _, leaf in leaves(value) if isinstance(leaf, str)]
    assert rewrite(value, iter(texts)) == value


def test_keys_are_mapped_where_that_is_asked_for() -> None:
    assert mapped({"a": ["b"]}, lambda _, leaf: leaf, key=str.upper) == {"A": ["b"]}


def test_a_path_is_written_as_people_do() -> None:
    assert written(("items", 0, "amount")) == "items[0].amount"
    assert written((0,)) == "[0]"
