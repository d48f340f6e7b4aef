from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.signals.features import AFTER_CLAIM, AFTER_QUESTION, FIRST, features
from handrail.signals.heads import WHOLE, shipped
from handrail.signals.language import language_of
from handrail.signals.small_talk import is_small_talk
from handrail.signals.wordlists import plain

WORDS = [
    "not",
    "an",
    "agent",
    "pleese",
    "fever",
    "don't",
    "1182",
    ",",
    ".",
    "?",
    "!",
    "\n",
    "möchte",
    "queja",
    "ok:",
]
TEXT = st.one_of(st.text(max_size=120), st.lists(st.sampled_from(WORDS), max_size=80).map(" ".join))
OPENING = st.sampled_from([FIRST, AFTER_CLAIM, AFTER_QUESTION])


@settings(max_examples=150, deadline=None)
@given(TEXT, OPENING)
def test_the_fast_sum_is_the_sum_of_the_features_that_explain_it(raw: str, opening: str) -> None:
    text, heads = plain(raw), shipped()
    sentences = features(text, opening, heads.vocabulary)
    sums = [
        [
            sum(heads.weights.get(one.name, {}).get(head, 0) for one in sentence)
            for head in range(len(heads.names))
        ]
        for sentence in sentences
    ] or [[0] * len(heads.names)]
    fast = heads.weigh(text, opening)
    best = [max(column) for column in zip(*sums, strict=True)]
    whole = [sum(column) for column in zip(*sums, strict=True)]
    assert all(
        got in (alone, max(alone, together)) for got, alone, together in zip(fast, best, whole, strict=True)
    )
    if len(text.split()) > WHOLE * 4:
        assert list(fast) == best


@settings(max_examples=150, deadline=None)
@given(TEXT)
def test_reading_a_text_after_several_openings_at_once_is_reading_it_after_each(raw: str) -> None:
    text, heads = plain(raw), shipped()
    openings = (FIRST, AFTER_CLAIM, AFTER_QUESTION)
    assert heads.sums_after(text, openings) == tuple(heads.sums(text, opening) for opening in openings)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_reading_a_language_or_small_talk_never_raises(text: str) -> None:
    assert language_of(text) in (None, "en", "de", "es", "fr", "unknown")
    assert is_small_talk(text) in (True, False)
