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


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"social_security": "536904399"}, "us_ssn"),
        ({"customerSSN": 536904399}, "us_ssn"),
        ({"ssn": {"anna": "536904399", "ben": "x"}}, "us_ssn"),
        ({"ssn": ["x" * 90, "536904399"]}, "us_ssn"),
        ({"date_of_birth": "12 March 1984"}, "date_of_birth"),
        ({"birthDate": ["1990-01-05", "1984-03-12"]}, "date_of_birth"),
    ],
)
def test_the_names_of_keys_and_lists_tell_of_every_value_behind_them(
    scanner: Scanner, value: object, kind: str
) -> None:
    text = document_of([value]).text
    assert kind in types(scanner, text)
    assert kind not in types(scanner, document_of([{"order": value[next(iter(value))]}]).text)  # type: ignore[index,call-overload]
