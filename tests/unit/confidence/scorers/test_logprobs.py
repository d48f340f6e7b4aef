import math

import pytest

from handrail.confidence.scorers.logprobs import Aligned, align
from handrail.records import Draft, TokenLogprob


def tokens(*pieces: str | bytes) -> tuple[TokenLogprob, ...]:
    data = [piece.encode() if isinstance(piece, str) else piece for piece in pieces]
    return tuple(
        TokenLogprob(token=piece.decode("utf-8", "replace"), logprob=-0.1 * (at + 1), data=piece)
        for at, piece in enumerate(data)
    )


def said(aligned: Aligned | str, start: int, end: int) -> bytes:
    assert isinstance(aligned, Aligned)
    return b"".join(token.data for token in aligned.within(start, end))


def test_tokens_are_found_by_the_bytes_of_their_text() -> None:
    draft = Draft(text="The answer is 42.", logprobs=tokens("The", " answer", " is", " 4", "2", "."))
    assert said(align(draft), 14, 16) == b" 42"
    assert said(align(draft), 0, 3) == b"The"
    assert said(align(draft), 3, 3) == b""


def test_a_token_that_ends_inside_a_character_belongs_to_it() -> None:
    whole = "é€🙂x".encode()
    draft = Draft(text="é€🙂x", logprobs=tokens(whole[:1], whole[1:3], whole[3:7], whole[7:]))
    assert said(align(draft), 1, 2) == whole[1:7]
    assert said(align(draft), 3, 4) == whole[7:]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (("Yes", ".", "\n<tag>", "90</tag>"), "Yes."),
        ((" ", "Yes", "."), "Yes."),
        (("{", '"a": 1', ', "c": 90', "}"), '{"a": 1}'),
        (("<think>", "hm", "</think>", "Yes", "."), "Yes."),
    ],
)
def test_what_was_taken_out_of_the_answer_is_left_out_of_its_tokens(
    pieces: tuple[str, ...], text: str
) -> None:
    aligned = align(Draft(text=text, logprobs=tokens(*pieces)))
    assert said(aligned, 0, len(text)) == text.encode()


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (Draft(text="Yes, of course", logprobs=tokens("Yes")), "partial"),
        (Draft(text="Yes", logprobs=tokens("No")), "partial"),
        (Draft(text="Yes", logprobs=(TokenLogprob(token="Yes", logprob=math.nan, data=b"Yes"),)), "invalid"),
        (Draft(text="Yes", logprobs=(TokenLogprob(token="Yes", logprob=0.5, data=b"Yes"),)), "invalid"),
    ],
)
def test_tokens_that_cannot_be_used_say_why(draft: Draft, why: str) -> None:
    assert align(draft) == why


def test_tokens_without_bytes_are_no_part_of_the_text() -> None:
    aligned = align(Draft(text="Yes.", logprobs=tokens("", "Yes", "", ".", "")))
    assert isinstance(aligned, Aligned)
    assert [token.token for token in aligned.within(0, 4)] == ["Yes", "."]
