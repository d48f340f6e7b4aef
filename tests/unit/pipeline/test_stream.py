"""Streams are released only as far as no rule could still take them back."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.pipeline.pipeline import Pipeline
from handrail.pipeline.stream import StreamRelease
from handrail.policy import loads
from handrail.scan import default_scanner
from support.scenes import POLICY

RELEASE = POLICY.replace('version: "1"', 'version: "1"\nstream: release')
TEXT = "Please write to jane.doe@example.com, or to the address below. Thank you very much."


def test_a_policy_holds_streams_unless_it_says_otherwise() -> None:
    release = Pipeline(policy=loads(POLICY), scanner=default_scanner()).stream(None)
    assert [release.feed(word) for word in ("Good ", "morning ", "to you.")] == [0, 0, 0]


def test_a_release_policy_lets_clean_text_go_early() -> None:
    release = Pipeline(policy=loads(RELEASE), scanner=default_scanner()).stream(None)
    counts = [
        release.feed(word) for word in ("Good ", "morning ", "to ", "all ", "of ", "you. ", "Bye ", "now. ")
    ]
    assert counts[-1] >= 5
    assert "Good morning" in release.shown


def test_a_rule_on_confidence_holds_the_stream_to_its_end() -> None:
    policy = RELEASE.replace(
        "  disputes: ", "  confidence: {type: number, min: 0, max: 1}\n  disputes: "
    ).replace(
        "hand_offs:\n",
        "hand_offs:\n  - {id: low, when: confidence < 0.7, to: supervisor, because: Ask.}\n",
    )
    release = Pipeline(policy=loads(policy), scanner=default_scanner()).stream(None)
    assert [release.feed("word ") for _ in range(20)][-1] == 0


@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=12))
@settings(max_examples=80, deadline=None)
def test_no_split_lets_any_part_of_a_named_value_out(cuts: list[int]) -> None:
    marks = sorted({0, *cuts, len(TEXT)})
    release = StreamRelease(default_scanner(), frozenset({"email"}))
    for start, end in pairwise(marks):
        release.feed(TEXT[start:end])
        assert len(release.shown) <= TEXT.index("jane")
        assert TEXT.startswith(release.shown)
