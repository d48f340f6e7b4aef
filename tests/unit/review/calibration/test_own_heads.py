import json

import pytest

from handrail.errors import ConfigError
from handrail.review.calibration.heads import packed
from handrail.review.calibration.own_heads import Adapted, adapt, read_rows
from handrail.signals.features import FIRST
from handrail.signals.heads import shipped, unpacked
from handrail.signals.wordlists import plain

THINGS = [
    "lamp",
    "sofa",
    "desk",
    "vase",
    "rug",
    "stool",
    "bench",
    "shelf",
    "crib",
    "chair",
    "table",
    "mirror",
]


def rows() -> str:
    lines = [
        {"text": f"please zork the {thing} {n}", "labels": ["complaint"]}
        for thing in THINGS
        for n in range(4)
    ]
    lines += [{"text": f"where is the {thing} {n}", "labels": []} for thing in THINGS for n in range(4)]
    return "\n".join(json.dumps(line) for line in lines)


@pytest.fixture(scope="module")
def adapted() -> Adapted:
    heads = shipped()
    return adapt(read_rows(rows(), heads.names, source="tickets.jsonl"), heads)


def test_own_words_are_heard_afterwards_on_texts_held_out(adapted: Adapted) -> None:
    before, after = adapted.before["complaint"], adapted.after["complaint"]
    assert before.positives == after.positives > 0
    assert after.hits > before.hits
    assert after.false <= 1


def test_the_shipped_heads_stay_as_they_are(adapted: Adapted) -> None:
    text = plain("please zork the lamp")
    index = shipped().names.index("complaint")
    assert shipped().score(text, FIRST)[index] < 0.5 < adapted.heads.score(text, FIRST)[index]


def test_the_file_says_what_the_heads_say(adapted: Adapted) -> None:
    read = unpacked(packed(adapted.heads), source="own")
    for text in ("please zork the lamp", "let me talk to a person", "i have asthma"):
        assert read.score(plain(text), FIRST) == adapted.heads.score(plain(text), FIRST)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "tickets.jsonl:1"),
        ('{"text": "a"}', "tickets.jsonl:1"),
        ('{"text": 1, "labels": []}', "tickets.jsonl:1"),
        ('{"text": "a", "labels": ["grumpy"]}', "a label is none of"),
        ('{"text": "a", "labels": []}', "at least 20"),
    ],
)
def test_texts_that_cannot_be_used_are_an_error_that_names_the_line(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        read_rows(text, shipped().names, source="tickets.jsonl")
