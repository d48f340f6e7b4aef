"""Pieces of one text: masked where they lie, and found where they are split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.pipeline.pieces import masked_units
from handrail.pipeline.withhold import Downstream
from handrail.records import Draft, Finding, Message, Speaker, first_new
from handrail.scan import default_scanner, redact

SEPARATOR = "\n"


def found(text: str) -> tuple[Finding, ...]:
    return default_scanner().scan(text)


def masked(*pieces: str) -> list[str]:
    text, units, at = SEPARATOR.join(pieces), [], 0
    for piece in pieces:
        units.append((at, at + len(piece)))
        at += len(piece) + len(SEPARATOR)
    return masked_units(text, units, [tuple(units)], found, redact)


def test_a_value_that_is_split_over_two_pieces_is_masked_in_both() -> None:
    assert masked("pay 453914", "8803436467 now") == ["pay [CARD]", " now"]


def test_a_value_that_ends_where_the_next_piece_begins_is_found_and_no_word_is_lost() -> None:
    assert masked("card 4539148803436467", "Thanks") == ["card [CARD]", "Thanks"]
    assert masked("write to a.b@example.org", "tail words") == ["write to [EMAIL]", "tail words"]


@given(st.lists(st.sampled_from(["", "Fine.", "on its way", "3", "soon"]), min_size=1, max_size=5))
def test_pieces_without_a_secret_stay_as_they_are(pieces: list[str]) -> None:
    assert masked(*pieces) == pieces


@given(st.integers(1, 15))
def test_a_draft_masks_what_its_judge_finds_wherever_it_is_cut(cut: int) -> None:
    card = "4539148803436467"
    text = f"pay {card[:cut]}\n{card[cut:]} now"
    at = len("pay ") + cut
    draft = Draft(text=text, refusal="No.", asides=("Fine.",), runs=(((0, at), (at + 1, len(text))),))
    assert "card" in {finding.type for finding in found(draft.words)}
    down = Downstream(scanner=default_scanner(), types=frozenset({"card"}), vault=None)
    given = down.draft(draft)
    assert card not in given.text.replace("\n", "")
    assert (given.refusal, given.asides) == (draft.refusal, draft.asides)


def test_a_cue_beside_a_value_counts_where_it_is_masked() -> None:
    down = Downstream(scanner=default_scanner(), types=frozenset({"us_ssn"}), vault=None)
    given = down.draft(Draft(text="Fine.", asides=("Her SSN is", "536904399")))
    assert given.asides == ("Her SSN is", "[US_SSN]")


def test_what_is_found_in_a_run_is_told_by_the_pieces_it_stands_in() -> None:
    message = Message(speaker=Speaker.USER, text="a 4539\n1488 b", runs=(((0, 6), (7, 13)),))
    at = message.words.index("45391488")
    assert message.behind(at, at + 8) == ("4539", "1488")
    assert message.behind(0, 1) == ("a",)


@pytest.mark.parametrize(
    ("speakers", "first"), [("ua", 0), ("uau", 2), ("uaua", 2), ("uauaa", 2), ("a", 0), ("", 0), ("u", 0)]
)
def test_what_the_assistant_is_to_go_on_with_is_no_turn_of_its_own(speakers: str, first: int) -> None:
    kinds = {"u": Speaker.USER, "a": Speaker.ASSISTANT}
    assert first_new([Message(speaker=kinds[letter], text="x") for letter in speakers]) == first
