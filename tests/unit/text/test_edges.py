import pytest

from handrail.text.edges import Edge, holds_whole, is_whole


@pytest.mark.parametrize(
    ("before", "value", "after", "edge", "expected"),
    [
        ("call ", "555", " now", "word", True),
        ("a", "555", "", "word", False),
        ("_", "555", "", "word", False),
        ("é", "555", "", "word", False),
        ("a", "555", "b", "none", True),
        ("$", "555", "", "number", False),
        ("12-", "555", "", "number", False),
        ("x-", "555", "", "number", True),
        ("", "555", ".5", "number", False),
        ("", "555", ". Yes", "number", True),
        ("/", "key", "", "token", False),
        ("", "key", "+", "token", False),
        (".", "key", "", "token", True),
    ],
)
def test_a_value_is_whole_unless_something_longer_holds_it(
    before: str, value: str, after: str, edge: Edge, expected: bool
) -> None:
    start = len(before)
    assert is_whole(before + value + after, start, start + len(value), edge) is expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("pay 1,250.00 USD", "1250", True),
        ("pay 1250.50 USD", "1250", False),
        ("pay 11250 USD", "1250", False),
        ("to ACME Ltd.", "acme", True),
        ("to acmeco", "acme", False),
    ],
)
def test_a_value_stands_in_a_text_as_a_whole_word_only(text: str, value: str, expected: bool) -> None:
    assert holds_whole(text, value) is expected
