"""Markup that cuts a value hides nothing, in a text and in a stream; other markup is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.scan import Scanner, redact
from handrail.scan.stream import StreamScanner
from support.open_world import CARD, MAIL

SCANNER = Scanner()
MARKS = ("</b>", "<i>", "<wbr>", "</b><i>", "<span class='x'>", "<!-- -->", "**", "*", "~~", "`")


def streamed(text: str, length: int) -> str:
    stream = StreamScanner(SCANNER)
    pieces = [piece for at in range(0, len(text), length) for piece in stream.feed(text[at : at + length])]
    return "".join([*pieces, *stream.finish()])


@settings(deadline=None)
@given(mark=st.sampled_from(MARKS), cut=st.sampled_from([4, 8, 12]), length=st.integers(1, 9))
def test_bypass_a_card_that_markup_cuts_is_masked(mark: str, cut: int, length: int) -> None:
    text = f"my card {CARD.needle[:cut]}{mark}{CARD.needle[cut:]} as said"
    assert CARD.needle in text.replace(mark, ""), "the control must leak"
    masked = redact(text, SCANNER.scan(text))
    assert masked == "my card [CARD] as said"
    assert streamed(text, length) == masked


@settings(deadline=None)
@given(mark=st.sampled_from(MARKS), length=st.integers(1, 9))
def test_bypass_a_mail_address_that_markup_cuts_is_masked(mark: str, length: int) -> None:
    text = MAIL.needle.replace("@", f"{mark}@{mark}")
    masked = redact(text, SCANNER.scan(text))
    assert "[EMAIL]" in masked
    assert "example" not in masked
    assert streamed(text, length) == masked


@pytest.mark.parametrize(
    "text",
    [
        "SSN <b>536</b>-<b>90</b>-<b>4399</b>",
        "ssn 536**-**90**-**4399",
        "nora.quill@exa<b>mple</b>.org",
        "4539<!-- x -->1488<!-- -->03436467",
    ],
)
def test_a_value_that_is_cut_several_times_is_masked(text: str) -> None:
    masked = redact(text, SCANNER.scan(text))
    assert not any(piece in masked for piece in ("4399", "quill", "6467"))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a<b and 2**3 `x`", "a<b and 2**3 `x`"),
        (
            "see <a href='x'>nora@x.org</a><span>Call us</span>",
            "see <a href='x'>[EMAIL]</a><span>Call us</span>",
        ),
        ("**bold**text and *em*phasis 2*3", "**bold**text and *em*phasis 2*3"),
    ],
)
def test_markup_beside_a_value_stays(text: str, masked: str) -> None:
    assert redact(text, SCANNER.scan(text)) == masked
