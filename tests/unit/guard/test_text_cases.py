from pathlib import Path

import pytest

from handrail.errors import PolicyError
from handrail.guard import Guard
from handrail.guard.opening import text_results
from handrail.policy import Policy, loads

TEXT = """\
policy: own
version: "1"
if_unsure: lead
roles: {lead: {}}
scan:
  entities:
    - type: note
      category: identifier
      patterns: ['\\bCN-\\d{6}\\b']
      score: 0.9
      match: ['note CN-123456', 'CN-654321']
      not_match: ['CN-12']
signals:
  complaint:
    words: [rubbish]
    match: [what rubbish]
    not_match: [where is my parcel]
  health: {words: [spa cure], match: [the spa cure]}
"""


def failing(policy: Policy) -> list[str]:
    return [result.name for result in text_results(policy) if not result.is_passed]


def guarded(text: str, folder: Path) -> None:
    (folder / "p.yaml").write_text(text, "utf-8")
    Guard.from_policy(folder / "p.yaml", store=f"sqlite:///{folder / 'h.db'}").close()


def test_the_texts_of_signals_topics_and_entities_are_tests(tmp_path: Path) -> None:
    assert len(text_results(loads(TEXT))) == 6
    assert failing(loads(TEXT)) == []
    guarded(TEXT, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "name", "line"),
    [
        ("'CN-654321'", "'nothing 4455'", "entity note: text 2 of match", 11),
        ("['CN-12']", "['CN-12', 'see CN-777777']", "entity note: text 2 of not_match", 12),
        ("[what rubbish]", "[what rubbish, good day]", "signal complaint: text 2 of match", 16),
        ("[where is my parcel]", "[rubbish parcel]", "signal complaint: text 1 of not_match", 17),
        ("[where is my parcel]", "[what rubbish]", "signal complaint: text 1 of not_match", 17),
        ("match: [the spa cure]", "match: [a walk]", "signal health: text 1 of match", 18),
    ],
)
def test_a_text_that_fails_is_named_by_its_place_and_refused(
    old: str, new: str, name: str, line: int, tmp_path: Path
) -> None:
    text = TEXT.replace(old, new)
    assert text != TEXT
    assert failing(loads(text))[0] == name
    with pytest.raises(PolicyError, match=name) as caught:
        guarded(text, tmp_path)
    assert caught.value.line == line
    assert caught.value.file.endswith("p.yaml")


def test_no_message_shows_a_text(tmp_path: Path) -> None:
    text = TEXT.replace("'CN-654321'", "'reader ann@example.org 4455'")
    with pytest.raises(PolicyError) as caught:
        guarded(text, tmp_path)
    assert "4455" not in str(caught.value) + repr(loads(text).text_cases)
    assert "ann@" not in str(caught.value) + repr(loads(text).text_cases)


def test_quotes_that_became_part_of_a_pattern_are_named() -> None:
    text = TEXT.replace("['\\bCN-\\d{6}\\b']", "['''\\bCN-\\d{6}\\b''']")
    (first, *_) = [result for result in text_results(loads(text)) if not result.is_passed]
    assert "part of the pattern" in first.said


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("      score: 0.9", "      scores: 0.9", "unknown key 'scores'"),
        ("      category: identifier\n", "", "'category' is missing"),
        ("patterns: ['\\bCN-\\d{6}\\b']", "patterns: CN", "'patterns' is a list"),
        ("score: 0.9", "score: often", "'score'"),
        ("not_match: ['CN-12']", "not_match: [12]", "string"),
        ("      score: 0.9", "      edge: words", "'edge' is one of"),
    ],
)
def test_a_key_that_no_entity_has_is_an_error_at_load(old: str, new: str, problem: str) -> None:
    assert old in TEXT
    with pytest.raises(PolicyError, match=problem) as caught:
        loads(TEXT.replace(old, new))
    assert 7 <= caught.value.line <= 12
