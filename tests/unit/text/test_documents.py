"""What stands between the leaves of a document hides nothing, and lets words tell of their neighbours."""

import pytest

from handrail.scan import Scanner
from handrail.scan.catalogue import shipped
from handrail.text.documents import BEHIND_KEY, BETWEEN, document_of
from support.entity_examples import expand

EXAMPLES = [(entity.type, expand(text)) for entity in shipped() for text in entity.match]
NEIGHBOURS = ("2026", "7", "abc", "12345678", "4.5", "a@", "+", "(", "2026-01-05", "11:30")


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner()


def types(scanner: Scanner, text: str) -> set[str]:
    return {finding.type for finding in scanner.scan(text)}


@pytest.mark.parametrize("gap", [BETWEEN, BEHIND_KEY], ids=["between", "behind a key"])
def test_an_example_is_found_beside_whatever_its_neighbour_is(scanner: Scanner, gap: str) -> None:
    alone = [(kind, text) for kind, text in EXAMPLES if kind in types(scanner, text)]
    lost = [
        (kind, text, beside)
        for at, (kind, text) in enumerate(alone)
        for beside in (NEIGHBOURS[at % len(NEIGHBOURS)], NEIGHBOURS[(at + 3) % len(NEIGHBOURS)])
        if kind not in types(scanner, f"{beside}{gap}{text}") & types(scanner, f"{text}{gap}{beside}")
    ]
    assert len(alone) > 300
    assert lost == []


@pytest.mark.parametrize("gap", [BETWEEN, BEHIND_KEY], ids=["between", "behind a key"])
def test_a_word_tells_of_the_number_behind_the_gap(scanner: Scanner, gap: str) -> None:
    assert "us_ssn" in types(scanner, f"Her SSN is{gap}536904399")
    assert "us_ssn" not in types(scanner, f"Her order is{gap}536904399")


def test_every_leaf_of_a_document_stands_where_its_part_says() -> None:
    document = document_of([{"a": [1, "two"]}, "three"])
    assert document.text == "a = 1\n• a = two\n• three"
    assert [document.text[part.start : part.end] for part in document.parts] == ["a", "1", "two", "three"]
    assert [document.text[start:end] for start, end in document.fixed] == ["a", "1"]
    assert [part.value for part in document.parts] == [0, 0, 0, 1]
