"""Every word of the inbox comes from its catalogue, and every language has all of them."""

import re
from pathlib import Path

import pytest

import handrail.inbox
from handrail.inbox.words import FALLBACK, accepted, languages, words

INBOX = Path(handrail.inbox.__file__).parent
_PLACE = re.compile(r"\{(\w+)\}")
_KEY = re.compile(r"""\bt\(\s*['"]([a-z_.]+)['"]\s*[,)]""")


def test_german_and_english_are_there_and_english_is_what_is_fallen_back_to() -> None:
    assert {"en", "de"} <= set(languages())
    assert words("xx").language == FALLBACK


@pytest.mark.parametrize("language", languages())
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    whole, other = words(FALLBACK).texts, words(language).texts
    assert sorted(other) == sorted(whole)
    assert [k for k in whole if sorted(_PLACE.findall(whole[k])) != sorted(_PLACE.findall(other[k]))] == []


def test_a_page_asks_for_no_text_that_the_catalogue_lacks() -> None:
    sources = [*INBOX.rglob("*.html"), *INBOX.rglob("*.py")]
    asked = {key for source in sources for key in _KEY.findall(source.read_text(encoding="utf-8"))}
    assert len(asked) > 100
    assert sorted(key for key in asked if "." in key and not words(FALLBACK).has(key)) == []


def test_no_template_holds_words_of_its_own() -> None:
    for template in INBOX.rglob("*.html"):
        text = re.sub(r"\{% set \w+ %\}.*?\{% endset %\}", " ", template.read_text("utf-8"), flags=re.S)
        text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", " ", text, flags=re.S)
        text = re.sub(r"<[^>]*>", " ", text, flags=re.S)
        found = set(re.findall(r"[A-Za-z]{3,}", text)) - {"handrail", "Ctrl", "Esc"}
        assert found == set(), template.name


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-AT,de;q=0.9,en;q=0.5", "de"), ("fr,en", "en"), ("", "en"), ("xx;q=1", "en"), ("EN-us", "en")],
)
def test_a_browser_is_answered_in_the_first_language_there_is(header: str, language: str) -> None:
    assert accepted(header) == language
