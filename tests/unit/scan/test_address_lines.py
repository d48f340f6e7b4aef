"""An address in running text is one finding; one written as a block is found line by line."""

import pytest

from handrail.scan import Scanner, ScanSpec, default_scanner


def found(text: str, scanner: Scanner | None = None) -> list[tuple[str, str]]:
    findings = (scanner or default_scanner()).scan(text)
    return [(f.type, text[f.start : f.end]) for f in findings if f.category == "location"]


def test_an_address_in_running_text_is_one_finding() -> None:
    text = "Please send it to 12 Willow Lane, Springfield, IL 62704 today"
    assert found(text) == [("address", "12 Willow Lane, Springfield, IL 62704")]


def test_a_line_break_in_running_text_does_not_part_an_address() -> None:
    text = "Please send it to 12 Willow Lane\nSpringfield, IL 62704 today"
    assert found(text) == [("address", "12 Willow Lane\nSpringfield, IL 62704")]


@pytest.mark.parametrize("mark", ["", "> ", ">", "  ", "* ", "| "])
def test_each_line_of_a_block_is_a_finding_and_its_place_a_locality(mark: str) -> None:
    text = f"{mark}Jane Doe\n{mark}12 Willow Lane\n{mark}Apt. 5\n{mark}Springfield, IL 62704"
    assert found(text) == [
        ("address", "12 Willow Lane"),
        ("address", "Apt. 5"),
        ("locality", "Springfield, IL 62704"),
    ]


def test_without_the_type_locality_every_line_of_a_block_is_an_address() -> None:
    scanner = Scanner(ScanSpec(disable=frozenset({"locality"})))
    text = "12 Willow Lane\nSpringfield, IL 62704"
    assert found(text, scanner) == [("address", "12 Willow Lane"), ("address", "Springfield, IL 62704")]


@pytest.mark.parametrize(
    "text",
    [
        "1600 Pennsylvania Avenue NW, Washington, DC 20500",
        "10 Downing Street, London SW1A 2AA",
        "the corner of Grand Avenue and Mercer Street",
        "Kirkegårdsvej 7",
        "12 rue de la Paix, 75002 Paris",
        "010 63 Avenue du Golf Suite 910",
        "12 Maria Lane",
    ],
)
def test_addresses_of_many_countries_are_found_whole(text: str) -> None:
    assert found(text) == [("address", text)]


@pytest.mark.parametrize(
    "text",
    [
        "During 1971 it rained",
        "sent via SWIFT 9 days ago",
        "leaves via Terminal 2",
        "Spring 2024",
        "3 Great Lakes",
    ],
)
def test_what_only_sounds_like_a_street_is_no_address(text: str) -> None:
    assert found(text) == []
