"""JSON is read leaf by leaf, as data and as a text, and a text keeps its layout when strings change."""

import json

from hypothesis import given
from hypothesis import strategies as st

from handrail.text.json_data import json_tokens, leaves, mapped, with_tokens, written

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


def test_keys_are_mapped_where_that_is_asked_for() -> None:
    assert mapped({"a": ["b"]}, lambda _, leaf: leaf, key=str.upper) == {"A": ["b"]}


def test_a_path_is_written_as_people_do() -> None:
    assert written(("items", 0, "amount")) == "items[0].amount"
    assert written((0,)) == "[0]"


@given(value=JSON, indent=st.none() | st.integers(0, 3), is_ascii=st.booleans())
def test_a_json_text_gives_every_string_key_and_number(
    value: object, indent: int | None, is_ascii: bool
) -> None:
    text = json.dumps({"a": value}, indent=indent, ensure_ascii=is_ascii)
    tokens = json_tokens(text) or ()
    strings = [token.text for token in tokens if token.kind == "string"]
    assert strings == [leaf for _, leaf in leaves({"a": value}) if isinstance(leaf, str)]
    changed = with_tokens(text, {t.start: f"{t.text}!" for t in tokens if t.kind == "string"})
    told = mapped({"a": value}, lambda _, leaf: f"{leaf}!" if isinstance(leaf, str) else leaf)
    assert json.loads(changed) == told


def test_what_did_not_change_in_a_json_text_stays_to_the_character() -> None:
    text = '{ "a" : "x\\u00e9",\n\t"a":  [1.0e3, "caf\\n\u00e9"] }'
    second = next(token for token in json_tokens(text) or () if token.text.startswith("caf"))
    assert with_tokens(text, {second.start: "y\nz"}) == '{ "a" : "x\\u00e9",\n\t"a":  [1.0e3, "y\\nz"] }'


def test_what_is_no_json_has_no_tokens() -> None:
    for text in ("", "plain", "[1, 2", '{"a": 1} and more', "{'a': 1}", "[" * 100_000):
        assert json_tokens(text) is None
