import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.records import Finding
from handrail.scan import default_scanner, redact
from handrail.scan.redact import keyed_hash, replaced

TEXT = "pay 4111 1111 1111 1111 for jane@example.com"


PIECES = (
    "jane@example.com",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "pay",
    "für",
    "then",
    "\n",
)


def found(text: str) -> tuple[Finding, ...]:
    return default_scanner().scan(text)


def span(start: int, end: int, kind: str = "a") -> Finding:
    return Finding(type=kind, category="identifier", start=start, end=end)


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Finding]]:
    text = draw(st.text("abc ", min_size=1, max_size=20))
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 6), st.sampled_from("xyz"))
    spans = [
        span(at, min(at + size, len(text)), kind) for at, size, kind in draw(st.lists(places, max_size=6))
    ]
    return text, spans


def test_a_label_names_the_type():
    assert redact(TEXT, found(TEXT)) == "pay [CARD] for [EMAIL]"


def test_a_mask_keeps_the_last_digits_and_the_separators():
    assert redact(TEXT, found(TEXT)[:1], style="mask") == "pay **** **** **** 1111 for jane@example.com"


def test_a_keyed_hash_is_the_same_for_the_same_value_and_key_only():
    one = redact(TEXT, found(TEXT), style="hmac", key=b"k1")
    assert one == redact(TEXT, found(TEXT), style="hmac", key=b"k1")
    assert one != redact(TEXT, found(TEXT), style="hmac", key=b"k2")
    assert "4111" not in one


def test_a_keyed_hash_is_the_beginning_of_the_hmac_of_rfc_4231():
    assert keyed_hash("what do ya want for nothing?", b"Jefe") == "5bdcc146bf60"
    assert redact("a nothing", [span(2, 9)], style="hmac", key=b"k") == f"a [A:{keyed_hash('nothing', b'k')}]"


def test_a_keyed_hash_takes_any_text_even_half_a_surrogate_pair():
    expected = hmac.new(b"k", b"\xc3\xa9\xed\xa0\x80", hashlib.sha256).hexdigest()
    assert keyed_hash("é\ud800", b"k") == expected[:12]


def test_a_hash_without_a_key_and_an_unknown_style_are_refused():
    for key in (None, b""):
        with pytest.raises(ValueError, match=r"^the style hmac needs a key$"):
            redact(TEXT, found(TEXT), style="hmac", key=key)
    with pytest.raises(ValueError, match=r"^unknown style 'blur'; choose label, mask or hmac$"):
        redact(TEXT, found(TEXT), style="blur")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("ab", "**"),
        ("abc", "**c"),
        ("a-b-c", "*-*-c"),
        ("+49 30 12345", "+** ** **345"),
        ("123456789012", "********9012"),
        ("1234567890123456789012345", "*********************2345"),
        ("--", "--"),
    ],
)
def test_a_mask_keeps_a_third_of_the_letters_and_digits_and_never_more_than_four(value: str, masked: str):
    assert redact(f"x {value} x", [span(2, 2 + len(value))], style="mask") == f"x {masked} x"


@pytest.mark.parametrize(
    ("spans", "redacted"),
    [
        ([span(0, 3, "b"), span(3, 6, "c")], "[B][C]ghi"),
        ([span(0, 4, "b"), span(3, 6, "c")], "[B]ghi"),
        ([span(0, 2, "b"), span(1, 6, "c")], "[C]ghi"),
        ([span(0, 3, "b"), span(2, 5, "c"), span(4, 7, "d")], "[B]hi"),
        ([span(0, 7, "b"), span(2, 3, "c"), span(6, 8, "d")], "[B]i"),
        ([span(4, 6, "c"), span(1, 3, "b")], "a[B]d[C]ghi"),
        ([span(1, 4, "c"), span(1, 4, "b")], "a[B]efghi"),
        ([span(1, 3, "b"), span(1, 4, "c")], "a[C]efghi"),
        ([span(6, 8, "b"), span(7, 9, "c")], "abcdef[B]"),
        ([span(3, 5, "b"), span(4, 9, "c")], "abc[C]"),
        ([span(1, 1, "b"), span(1, 4, "c")], "a[C]efghi"),
        ([], "abcdefghi"),
    ],
)
def test_what_overlaps_is_one_replacement_named_after_the_longest_then_the_first(
    spans: list[Finding], redacted: str
):
    assert redact("abcdefghi", spans) == redacted


@given(texts_with_spans())
def test_everything_outside_the_findings_stays_and_nothing_inside_does(scene: tuple[str, list[Finding]]):
    text, spans = scene
    covered = {at for finding in spans for at in range(finding.start, finding.end)}
    outside = "".join(letter for at, letter in enumerate(text) if at not in covered)
    inside: list[str] = []

    def taken(value: str, finding: Finding) -> str:
        assert finding in spans
        inside.append(value)
        return ""

    assert replaced(text, spans, taken) == outside
    assert sum(map(len, inside)) == len(covered)


@given(texts_with_spans(), st.randoms(use_true_random=False))
def test_the_order_of_the_findings_does_not_matter(scene: tuple[str, list[Finding]], random):
    text, spans = scene
    shuffled = list(spans)
    random.shuffle(shuffled)
    assert redact(text, shuffled) == redact(text, spans)


@given(st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join), st.sampled_from(["label", "hmac"]))
def test_nothing_that_was_found_is_left_to_be_found(text: str, style):
    assert found(redact(text, found(text), style=style, key=b"k")) == ()


def test_overlapping_findings_are_replaced_once_by_the_longest():
    url = "see https://example.com/?to=jane@example.com now"
    assert redact(url, found(url)) == "see [URL] now"
