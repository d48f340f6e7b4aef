import time

import pytest

from handrail.confidence.scorers.grounding import ClaimKind, Sources, claims, lowered
from handrail.records import Confidence


def listed(answer: str, *sources: str) -> list[str]:
    return [answer[claim.start : claim.end] for claim in Sources(sources).ground(answer).unsupported]


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("It costs $1,625.50 today", ClaimKind.AMOUNT, "$1,625.50"),
        ("on 2024-05-15", ClaimKind.DATE, "2024-05-15"),
        ("on May 15th, 2024 or so", ClaimKind.DATE, "May 15th, 2024"),
        ("on the 15 of May", ClaimKind.DATE, "15 of May"),
        ("at 07:30 PM", ClaimKind.TIME, "07:30 PM"),
        ("flight HAT271 leaves", ClaimKind.IDENTIFIER, "HAT271"),
        ("by credit_card_4421486.", ClaimKind.IDENTIFIER, "credit_card_4421486"),
        ("reservation ZQWXPL", ClaimKind.IDENTIFIER, "ZQWXPL"),
        ("see https://shop.example/a?b=1.", ClaimKind.URL, "https://shop.example/a?b=1"),
        ("write to a.b@shop.example", ClaimKind.URL, "a.b@shop.example"),
        ("within 24 hours", ClaimKind.NUMBER, "24"),
    ],
)
def test_what_can_be_looked_up_is_found_with_its_span(text: str, kind: ClaimKind, words: str) -> None:
    found = claims(text)
    assert [(claim.kind, text[claim.start : claim.end]) for claim in found] == [(kind, words)]


@pytest.mark.parametrize(
    "text", ["1. First\n2) second", "two of 3 options", "the 2nd time", "a 1st-class seat"]
)
def test_counts_and_list_markers_are_not_looked_up(text: str) -> None:
    assert claims(text) == ()


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("You paid $1,250.00.", '{"amount": 1250}'),
        ("It leaves on May 20th.", '{"date": "2024-05-20"}'),
        ("It leaves at 7:00 PM.", '{"departs": "19:00:00"}'),
        ("Flight hat271 it is.", '{"flight": "HAT271"}'),
        ("See www.shop.example/help", "Help: https://shop.example/help/"),
        ("Two hundred? I see $200.", "I want two hundred dollars back"),
        ("On 05/06/2024, then.", "on 2024-06-05"),
    ],
)
def test_the_same_thing_in_other_words_is_support(answer: str, source: str) -> None:
    assert listed(answer, source) == []


@pytest.mark.parametrize(
    ("answer", "source", "expected"),
    [
        ("You paid $1,260.", "paid $1,250", ["$1,260"]),
        ("You paid €50.", "the price is $50", ["€50"]),
        ("It leaves on 2024-05-21", "2024-05-20", ["2024-05-21"]),
        ("It leaves on May 50th", "2024-05-20", ["May 50th"]),
        ("It left on May 20, 2034", "May 20, and it is 2024-01-01", ["May 20, 2034"]),
        ("Flight HAT272", "HAT271", ["HAT272"]),
        ("At 8:00 AM", "20:00", ["8:00 AM"]),
    ],
)
def test_what_stands_nowhere_is_listed_with_its_span(answer: str, source: str, expected: list[str]) -> None:
    assert listed(answer, source) == expected


def test_sums_and_differences_of_supported_amounts_are_support_and_wrong_ones_are_not() -> None:
    source = "prices: 364, 580, 681, and 189 was paid"
    answer = "Legs: $364, $580, $681. Total $1,625; paid $189, so $1,436 more."
    assert listed(answer, source) == []
    assert listed(answer.replace("1,625", "1,635"), source) == ["$1,635", "$1,436"]


def test_an_earlier_answer_supports_later_ones_only_where_it_was_supported() -> None:
    sources = Sources(["price 100", "price 250"])
    sources.add_answer("$100 and $250 make $350; a fee of $99 is due.")
    assert listed("x", "y") == []
    found = sources.ground("The total of $350 and the fee of $99")
    assert [claim.number for claim in found.unsupported] == [99]


def test_unsupported_claims_lower_confidence_and_nothing_raises_it() -> None:
    confidence = Confidence(value=0.9, method="sequence")
    half = Sources(["100"]).ground("$100 and $200")
    assert lowered(confidence, half).value == pytest.approx(0.45)
    assert lowered(confidence, half).method == "sequence+grounding"
    assert lowered(confidence, Sources(["100"]).ground("$100")) is confidence
    assert lowered(confidence, Sources().ground("Hello")) is confidence
    unknown = Confidence(value=None, method="none")
    assert lowered(unknown, half) is unknown


def test_a_long_number_is_told_from_one_that_differs_in_its_last_digit() -> None:
    number = "1234567890123456789012345678901234567"
    assert listed(f"Account {number}1", f"account {number}1") == []
    assert listed(f"Account {number}2", f"account {number}1") == [f"{number}2"]


@pytest.mark.parametrize("unit", ["a.", "1,", "a@", " \t", "1'", "x-1-", "5 May ", "#"])
def test_long_runs_of_anything_are_read_in_time_that_grows_evenly(unit: str) -> None:
    began = time.process_time()
    claims(unit * 20_000)
    assert time.process_time() - began < 3
