"""What invisible characters carry is read, in a text and in a stream; what only looks so is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.scan import Scanner, redact
from handrail.scan.stream import StreamScanner
from handrail.text.carried import carried
from support.open_world import CARD, MAIL


def _selectors(text: str) -> str:
    return "".join(chr(0xFE00 + byte) if byte < 16 else chr(0xE0100 + byte - 16) for byte in text.encode())


def _bits(text: str) -> str:
    return "".join("\u200b\u200c"[int(bit)] for byte in text.encode() for bit in f"{byte:08b}")


CARRIERS = {
    "tags": lambda text: "".join(chr(0xE0000 + ord(one)) for one in text),
    "selectors": _selectors,
    "bits": _bits,
}
SCANNER = Scanner()


@settings(deadline=None)
@pytest.mark.parametrize("carrier", CARRIERS)
@given(
    secret=st.sampled_from([CARD, MAIL]), before=st.sampled_from(["", "hi ", "card "]), cut=st.integers(1, 9)
)
def test_bypass_what_is_carried_is_masked_in_a_text_and_in_a_stream(
    carrier: str, secret: object, before: str, cut: int
) -> None:
    hidden = CARRIERS[carrier](secret.needle)  # type: ignore[attr-defined]
    text = f"{before}{hidden} there"
    assert hidden in text, "the control must leak"
    masked = redact(text, SCANNER.scan(text))
    assert hidden[:40] not in masked
    stream = StreamScanner(SCANNER)
    pieces = [piece for at in range(0, len(text), cut) for piece in stream.feed(text[at : at + cut])]
    assert "".join([*pieces, *stream.finish()]) == masked


@pytest.mark.parametrize(
    "text",
    [
        "go \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f go",
        "\u2764\ufe0f and \U0001f469\u200d\U0001f4bb",
        "plain",
        "soft\u00adhy\u00adphen",
    ],
)
def test_flags_and_emoji_carry_nothing(text: str) -> None:
    assert carried(text) == []
