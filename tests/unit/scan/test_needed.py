"""What a pattern needs: no text without it matches."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.scan import default_scanner
from handrail.scan.needed import needs

DIGITS = frozenset("0123456789")
SIGNS = DIGITS | {"_", "-"}

NEEDS = [
    r"\d", r"[0-9]{4}", r"a\d+b", r"(?:1|2\w)", r"(?i:x[0-3])", r"(?:\b|[A-Za-z_])\d{2}", r"[1-9]?3",
    r"(a|b)7", r"(?P<n>\d)x", r"(?:a|b){2}[34]", r"\d{2,}", r"[\d]",
]  # fmt: skip
NEEDS_NOT = [
    r"\d*", r"[0-9]{0,4}", r"a|\d", r"(?:1|x)", r"[^0-9]", r"[0-9a]", r"(?:\d)?", r"\w", r".", r"", r"(?i)x",
    r"\x41", r"\x{31}", r"\p{N}", r"\Q1\E|x", r"[[:digit:]]", r"[\x30]", r"\pN1", r"[", r"(?:\d|)", r"5{0}",
]  # fmt: skip


@pytest.mark.parametrize("pattern", NEEDS)
def test_a_digit_that_cannot_be_left_out_is_needed(pattern: str) -> None:
    assert needs(pattern, DIGITS)


@pytest.mark.parametrize("pattern", NEEDS_NOT)
def test_a_digit_that_may_be_left_out_or_is_not_understood_is_not_needed(pattern: str) -> None:
    assert not needs(pattern, DIGITS)


PARTS = st.sampled_from(
    ["a", "b", "1", "2", "_", "\\-", "\\d", "\\w", "[1a]", "[12]", "[^1]", "[a-b]", "[_-]", ".", "\\b", "^"]
)
PATTERNS = st.recursive(
    PARTS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "?", "+", "{2}", "{0,2}", "{1,}", "+?", "??"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=5,
)
WITHOUT = ["".join(letters) for size in range(5) for letters in itertools.product("ab ", repeat=size)]


@given(pattern=PATTERNS)
def test_no_text_without_what_is_needed_matches(pattern: str) -> None:
    if needs(pattern, SIGNS):
        assert not any(re.search(pattern, text) for text in WITHOUT)


def test_most_shipped_patterns_need_a_digit_or_a_sign() -> None:
    asks = {part.asks: len(part.ids) for part in default_scanner().engine.gates[0].compiled.parts}
    assert asks[b"0"] > 100
    assert asks[b"-"] > 10
