import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.policy import loads
from handrail.policy.file.document import Document
from handrail.policy.file.read import read_source
from handrail.review.changes.patched_lists import NotPatchable, entity_added, extended, word_added

ENTITY = {
    "type": "emp_number",
    "category": "personnel",
    "patterns": [r"\bEMP-\d{5}\b"],
    "score": 0.9,
    "match": ["EMP-12345"],
    "not_match": ["EMP-1234"],
}
BASE = 'policy: shop\nversion: "1"\nif_unsure: lead\nroles: {lead: {}}\n'


def value(text: str) -> Any:
    return Document(text, "policy").value


def is_longer_only(before: str, after: str) -> bool:
    """Whether nothing of the text was taken away: it is found in the new one, in its order."""
    left = iter(after)
    return all(character in left for character in before)


@pytest.mark.parametrize("name", ["support", "banking", "clinic", "hr", "baseline"])
def test_a_word_and_an_entity_go_into_every_shipped_policy(name: str) -> None:
    before = read_source(name)[1]
    after = entity_added(word_added(before, "complaint", "unter aller Kanone"), ENTITY)
    policy = loads(after)
    assert policy.signals["complaint"]["words"] == ("unter aller Kanone",)
    assert policy.scan["entities"][-1]["type"] == "emp_number"
    assert is_longer_only(before, after)


@pytest.mark.parametrize(
    ("signals", "line"),
    [
        ("signals: {complaint: {level: 0.5}}\n", "words: [Schlamperei], match: [Schlamperei]}"),
        ("signals: {}\n", "{complaint: {words: [Schlamperei]"),
        (
            "signals:\n  complaint:\n    words:\n    - one # why\n    - 'two'\n\n# tail\n",
            "    - Schlamperei\n",
        ),
        ("signals:\n  complaint: {words: [one,\n     two # why\n     ]}\n", "two, Schlamperei # why"),
        ('signals:\n  complaint:\n    words: ["one", two]  # why\n', '["one", two, Schlamperei]  # why'),
        (
            "signals:\n  complaint:\n    match:\n      - |\n        one\n        two\n\n",
            "      - Schlamperei\n",
        ),
        ("signals:\r\n  complaint:\r\n    words:\r\n      - one\r\n", "      - Schlamperei\r\n"),
        ("", "signals:\n  complaint:\n    words: [Schlamperei]\n"),
    ],
)
def test_what_is_added_is_written_as_what_stands_around_it(signals: str, line: str) -> None:
    before = BASE + signals
    after = word_added(before, "complaint", "Schlamperei")
    assert line in after
    assert is_longer_only(before, after)
    assert value(after)["signals"]["complaint"]["match"][-1] == "Schlamperei"


def test_a_word_that_stands_there_is_not_written_again() -> None:
    text = word_added(BASE, "complaint", "Schlamperei")
    assert word_added(text, "complaint", "Schlamperei") == text


@pytest.mark.parametrize(
    "text", ["", "just words", "signals: none\n", "signals: {complaint: {words: x}}\n", "a: [\n"]
)
def test_what_cannot_be_written_says_so(text: str) -> None:
    with pytest.raises(NotPatchable):
        word_added(text, "complaint", "x")


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Zl", "Zp"]),
    min_size=1,
    max_size=12,
).filter(str.strip)
LISTS = st.lists(WORDS, max_size=3, unique=True)


@st.composite
def policies(draw: st.DrawFn) -> str:
    """A policy with words written in one way or another, comments between."""
    names = draw(st.lists(st.sampled_from(["complaint", "dispute", "health"]), unique=True))
    quote = draw(st.sampled_from(['"', "'"]))

    def quoted(word: str) -> str:
        if quote == "'":
            return "'" + word.replace("'", "''") + "'"
        return '"' + re.sub(r'(["\\])', r"\\\1", word) + '"'

    lines = ["signals:"] if names else []
    for name in names:
        words = draw(LISTS)
        lines.append(f"  {name}:  # heard")
        style = draw(st.sampled_from(["flow", "block"])) if words else "flow"
        if style == "flow":
            lines.append(f"    words: [{', '.join(map(quoted, words))}]")
        else:
            lines += ["    words:", *(f"      - {quoted(word)}  # seen" for word in words)]
        if draw(st.booleans()):
            lines.append("    # a level of its own\n    level: 0.9")
    after = draw(st.sampled_from(["", "\n# rules\nhand_offs: []\n", "scan: {allow: [a]}\n"]))
    return BASE + "\n".join(lines) + ("\n" if lines else "") + after


@settings(max_examples=60, deadline=None)
@given(policies(), st.sampled_from(["complaint", "health"]), WORDS)
def test_only_that_word_is_added_to_any_policy(before: str, signal: str, word: str) -> None:
    after = word_added(before, signal, word)
    was, now = value(before), value(after)
    for key in ("words", "match"):
        listed = was.get("signals", {}).get(signal, {}).get(key, [])
        assert now["signals"][signal].pop(key) == (listed if word in listed else [*listed, word])
        was.get("signals", {}).get(signal, {}).pop(key, None)
    was.setdefault("signals", {}).setdefault(signal, {})
    assert now == was
    assert is_longer_only(before, after)


def test_an_item_goes_to_the_end_of_a_list_at_any_path() -> None:
    assert value(extended("a: {b: [1]}\n", ("a", "b"), "x"))["a"]["b"] == [1, "x"]
