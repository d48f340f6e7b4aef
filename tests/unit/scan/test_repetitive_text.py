"""The work that a text takes grows with its length only, whatever short unit it repeats."""

import sys
from collections.abc import Callable

import pytest

from handrail.scan import default_scanner
from handrail.scan.engine import CHUNK
from handrail.scan.overlap import resolve
from handrail.scan.rule import Candidate
from handrail.scan.scanner import Scanner
from handrail.scan.spec import EntitySpec, ScanSpec
from handrail.signals.read import hear

CLASSES = "aA1 .-@:%\n,é我"
PAIRS = ["1 ", "A ", "a.", "a@", "1.", "é1", "@A", "Aé"]
UNITS = [*CLASSES, *PAIRS, "我我\n", "\nAa", "4111 ", "A-_", ":44"]
READERS: dict[str, tuple[Callable[[str], object], int]] = {
    "scan": (default_scanner().scan, 4 * CHUNK),
    "signals": (hear, 2_000),
}
TIMES = 3


def calls(read: Callable[[str], object], text: str) -> int:
    """Count the functions that reading a text calls."""
    count = 0

    def counting(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counting)
    try:
        read(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("reader", READERS)
def test_three_times_the_text_is_at_most_three_times_the_work(reader: str) -> None:
    read, size = READERS[reader]
    read("Warm up 1 2 3, Ann Lee.")
    for unit in UNITS:
        read(unit * 50)
        small, large = (calls(read, unit * (times * size // len(unit))) for times in (1, TIMES))
        assert large <= small * TIMES * 1.1 + 200, f"{unit!r}: {small} calls became {large}"


def test_what_repeats_is_found_wherever_it_stands() -> None:
    line = "Write to ann@example.org or pay with 4111 1111 1111 1111, Mr Lee.\n"
    (*once,) = default_scanner().scan(line)
    found = default_scanner().scan(line * 400)
    assert [(one.start, one.end, one.type) for one in found] == [
        (one.start + number * len(line), one.end + number * len(line), one.type)
        for number in range(400)
        for one in once
    ]


@pytest.mark.parametrize("at", [5_000, 9_000, 14_337, 20_480 - 9])
def test_one_value_in_a_text_that_repeats_itself_is_found(at: int) -> None:
    unit = "ab 12 "
    text = (unit * 6_000)[:at] + " ann@example.org " + unit * 3_000
    assert [(one.start, one.type) for one in default_scanner().scan(text)] == [(at + 1, "email")]


def test_a_value_that_outgrows_a_stretch_is_one_finding_though_the_stretch_came_before() -> None:
    key = EntitySpec(
        type="long_key", category="credential", patterns=(r"\bkey-[a-z]{4}",), extend=r"[a-z]+", edge="token"
    )
    text = ("zy " * 4_000) + "key-" + "abcd" * 4_000 + " " + ("zy " * 4_000)
    (found,) = Scanner(ScanSpec(entities=(key,))).scan(text)
    assert text[found.start : found.end] == "key-" + "abcd" * 4_000


def test_of_many_candidates_those_that_stand_are_apart_and_in_order() -> None:
    strong, weak = (EntitySpec(type=name, category="other", terms=("x",)) for name in ("strong", "weak"))
    candidates = [
        candidate
        for at in range(0, 60_000, 6)
        for candidate in (Candidate(at + 2, at + 5, 0.9, strong), Candidate(at, at + 4, 0.6, weak))
    ]
    kept = resolve(candidates, 0.5)
    assert [one.start for one in kept] == list(range(2, 60_002, 6))
