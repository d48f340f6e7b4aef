import gzip
import json

import pytest

from handrail.errors import ConfigError
from handrail.review.calibration.heads import packed
from handrail.signals.features import AFTER_CLAIM, FIRST, QUESTION, Vocabulary, features
from handrail.signals.heads import Heads, from_data, shipped, unpacked
from handrail.signals.wordlists import plain

DATA = {
    "heads": ["asks_for_human", "health"],
    "scale": 64,
    "bias": [-2.0, -2.0],
    "slope": [1.0, 1.0],
    "levels": [0.5, 0.5],
    "classes": {"PERSON": "agent person"},
    "words": "get me an agent person dont want fever i have",
    "salient": "agent person",
    "weights": {
        "get me": [0, 64],
        "PERSON": [0, 200],
        "! PERSON": [0, -400],
        "fever": [1, 400],
        "-itis": [1, 300],
        "lexicon:asks_for_human": [0, 100],
    },
}


def heads() -> Heads:
    return from_data(DATA)


def scores(text: str) -> dict[str, float]:
    return dict(zip(DATA["heads"], heads().score(plain(text), FIRST), strict=True))


def test_one_pass_scores_every_head() -> None:
    found = scores("get me an agent")
    assert found["asks_for_human"] > 0.8
    assert found["health"] < 0.2


def test_a_misspelt_word_is_taken_for_the_one_it_is_one_edit_off() -> None:
    assert scores("get me an agnet")["asks_for_human"] == scores("get me an agent")["asks_for_human"]


def test_a_negation_reaches_the_words_after_it() -> None:
    assert scores("i dont want an agent")["asks_for_human"] < 0.2
    assert scores("i dont want fever, get me an agent")["asks_for_human"] > 0.8


def test_a_strange_word_is_judged_by_its_ending() -> None:
    assert scores("i have laryngitis")["health"] > 0.8


def test_the_likeliest_sentence_decides() -> None:
    long = "i have a word. " * 60
    assert scores(f"{long} get me an agent.")["asks_for_human"] == pytest.approx(
        scores("get me an agent.")["asks_for_human"]
    )


def test_a_sign_of_the_word_lists_is_one_more_thing_to_weigh() -> None:
    without = heads().score("an agent", FIRST)[0]
    assert heads().score("an agent", FIRST, seen=["lexicon:asks_for_human"])[0] > without


def test_the_words_that_made_it_are_named() -> None:
    text = "i have an agent"
    told = heads().explain(text, FIRST, ["asks_for_human"], heads().sums(text, FIRST))
    assert [text[start:end] for start, end in told["asks_for_human"]] == ["agent"]


def test_a_question_ends_otherwise_than_a_statement() -> None:
    vocabulary = Vocabulary(words=["agent"], classes={}, salient=[])
    (asked,) = features("agent?", AFTER_CLAIM, vocabulary)
    assert [name for name, _, _ in asked] == [
        "agent",
        "^claim agent",
        f"agent {QUESTION}",
        f"^claim agent {QUESTION}",
        f"^claim _ {QUESTION}",
    ]


def test_a_file_that_names_the_weights_feature_by_feature_reads_as_the_packed_one_that_is_written() -> None:
    plain_rows = gzip.compress(json.dumps(DATA).encode())
    assert unpacked(packed(unpacked(plain_rows, source="x.gz")), source="y.gz") == heads()


@pytest.mark.parametrize("weights", ["AAAA", "?", {"get me": [2, 64]}, {"get me": [0]}])
def test_weights_that_are_not_those_of_the_heads_are_no_file_of_heads(weights: object) -> None:
    data = gzip.compress(json.dumps({**DATA, "features": "get me", "weights": weights}).encode())
    with pytest.raises(ConfigError, match="file of heads"):
        unpacked(data, source="x.gz")


@pytest.mark.parametrize("data", [b"", b"no gzip", b"\x1f\x8b\x08\x00"])
def test_what_is_no_file_of_heads_is_refused(data: bytes) -> None:
    with pytest.raises(ConfigError, match="file of heads"):
        unpacked(data, source="x.gz")


def test_the_shipped_heads_are_read_once_and_know_every_signal_and_topic() -> None:
    assert shipped() is shipped()
    assert {"asks_for_human", "complaint", "emergency", "injection", "health", "financial"} <= set(
        shipped().names
    )
