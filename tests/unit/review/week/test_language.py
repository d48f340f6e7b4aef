"""A review says everything in every language, and writes numbers and times as that language does."""

import ast
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import handrail.review
from handrail.inbox.words import languages as inbox_languages
from handrail.review.figures.measure import share
from handrail.review.week.language import ENGLISH, language, languages
from handrail.text.phrases import FALLBACK

REVIEW = Path(handrail.review.__file__).parent
_PLACE = re.compile(r"\{(\w+)\}")
GERMAN = language("de")


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_whoever_reads_the_inbox_in_a_language_reads_the_review_in_it() -> None:
    assert languages() == inbox_languages()
    assert language("xx").code == FALLBACK


@pytest.mark.parametrize("code", languages())
def test_every_language_has_every_text_with_the_same_places(code: str) -> None:
    whole, other = ENGLISH.words.texts, language(code).words.texts
    assert sorted(other) == sorted(whole)
    assert [k for k in whole if sorted(_PLACE.findall(whole[k])) != sorted(_PLACE.findall(other[k]))] == []


def asked_for() -> set[str]:
    """Every key that the review's sources name as a whole text."""
    found = set()
    for source in REVIEW.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                found |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def test_the_sources_ask_for_no_text_that_the_catalogue_lacks() -> None:
    asked = asked_for()
    assert len(asked) > 60
    assert sorted(key for key in asked if not ENGLISH.words.has(key)) == []


@pytest.mark.parametrize(
    ("length", "english", "german"),
    [
        (timedelta(seconds=4), "4 s", "4 s"),
        (timedelta(minutes=12, seconds=20), "12 min", "12 min"),
        (timedelta(seconds=539), "9 min", "9 min"),
        (timedelta(hours=3.5), "3.5 h", "3,5 h"),
        (timedelta(days=2), "2 d", "2 Tage"),
        (None, "–", "–"),
    ],
)
def test_a_span_has_one_unit(length: timedelta | None, english: str, german: str) -> None:
    assert plain(ENGLISH.span(length)) == english
    assert plain(GERMAN.span(length)) == german


def test_numbers_shares_and_days_are_written_as_the_language_does() -> None:
    assert (ENGLISH.number(12345.6, 1), GERMAN.number(12345.6, 1)) == ("12,345.6", "12.345,6")
    assert plain(ENGLISH.share(share(3, 4))) == "3 of 4 (75 %, 30 to 95 %)"
    assert plain(GERMAN.share(share(3, 4))) == "3 von 4 (75 %, 30 bis 95 %)"
    assert GERMAN.share(share(0, 0)) == "–"
    assert plain(GERMAN.percent(0.0945, 1)) == "9,4 %"
    assert plain(ENGLISH.day(date(2026, 10, 5))) == "5 Oct"
    assert plain(GERMAN.day(date(2026, 10, 5))) == "5. Okt."
    assert (GERMAN.weekday(date(2026, 10, 5)), GERMAN.short_day(date(2026, 10, 5))) == ("Montag", "Mo 5.")


def test_a_period_ends_with_the_last_day_that_is_in_it() -> None:
    monday = datetime(2026, 10, 5, tzinfo=UTC)
    assert plain(ENGLISH.period(monday, monday + timedelta(days=7))) == "5 Oct 2026 to 11 Oct 2026"
    assert plain(GERMAN.period(monday, monday + timedelta(days=1))) == "5. Okt. 2026"


def test_every_kind_of_proposal_is_named_in_every_language() -> None:
    folder = Path(handrail.review.__file__).parent
    sources = "\n".join(file.read_text("utf-8") for file in (folder / "proposals").glob("*.py"))
    kinds = set(re.findall(r'\b(?:kind|KIND|END_TRIAL) ?= ?"(\w+)"', sources))
    assert {"entity", "word", "grant"} <= kinds
    for code in languages():
        assert not [kind for kind in kinds if not language(code).words.has(f"kind.{kind}")]


@pytest.mark.parametrize("length", [timedelta(seconds=9), timedelta(minutes=9), timedelta(hours=9)])
def test_a_span_at_the_end_of_a_sentence_is_followed_by_one_full_stop(length: timedelta) -> None:
    for code in languages():
        assert not language(code).span(length).endswith(".")


def test_a_name_without_a_text_is_said_as_it_is() -> None:
    assert GERMAN.named("trigger", "high_stakes") == "hoher Einsatz"
    assert GERMAN.named("trigger", "some_new_one") == "some new one"
