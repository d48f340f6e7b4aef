import pytest

from handrail.errors import ConfigError
from handrail.scan import Scanner, ScanSpec
from handrail.scan.catalogue import read, shipped
from handrail.scan.checks import CHECKS
from handrail.scan.spec import CATEGORIES
from support.entity_examples import expand

OPTIONAL = frozenset(entity.type for entity in shipped() if entity.is_optional)


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    return Scanner(ScanSpec(enable=OPTIONAL))


EXAMPLES = [(e.type, expand(text), True) for e in shipped() for text in e.match]
COUNTER_EXAMPLES = [(e.type, expand(text), False) for e in shipped() for text in e.not_match]


@pytest.mark.parametrize(("kind", "text", "expected"), EXAMPLES + COUNTER_EXAMPLES)
def test_every_example_of_an_entity_is_read_as_its_file_says(scanner, kind, text, expected):
    assert (kind in {finding.type for finding in scanner.scan(text)}) is expected


def test_at_least_seventy_types_and_a_hundred_credential_formats_ship():
    types = {entity.type for entity in shipped()}
    assert len(types) >= 70
    assert len({entity.type for entity in shipped() if entity.category == "credential"}) >= 100


def test_every_entity_has_an_example_a_known_category_and_a_known_check():
    for entity in shipped():
        assert entity.match, entity.type
        assert entity.category in CATEGORIES
        assert entity.check in CHECKS or entity.check in ("", "person")


def test_all_four_topics_ship():
    assert {"health", "legal", "personnel", "finance_topic"} <= {entity.type for entity in shipped()}


def test_an_unknown_key_in_an_entity_file_is_an_error_that_names_file_and_type():
    with pytest.raises(ConfigError, match=r"own.toml: badge: .*colour"):
        read('category = "identifier"\n[[entity]]\ntype = "badge"\ncolour = 3\n', "own.toml")


@pytest.mark.parametrize(
    "text",
    [
        "please refund $640 for order 1182",
        "it cost 1,250.00 EUR in 2023",
        "let me fire off a question",
        "this schedule is killing me",
        "meet me at 10:30:45 on track 7",
        "version 2.10.0.1 of the app",
        "I am over the moon about it",
    ],
)
def test_everyday_words_and_amounts_set_nothing_off(text):
    assert Scanner().scan(text) == ()
