import re
from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.records import Message, Speaker
from handrail.signals.features import AFTER_CLAIM, AFTER_QUESTION, FIRST, PIECES, features, fold
from handrail.signals.heads import LEXICON, WHOLE, shipped
from handrail.signals.lanes import LANE
from handrail.signals.language import language_of
from handrail.signals.read import read_new
from handrail.signals.small_talk import is_small_talk
from handrail.signals.tokens import tokens_of
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
# Words in a row that read alike, sentences without words and sentences without an end.
ODD = st.lists(
    st.one_of(
        st.sampled_from([*WORDS, "...", "?!", ". , .", "'tis", "a1", "it's", "no no no no", "12 13 14 15"]),
        st.sampled_from(WORDS).map(lambda word: f"{word} " * 70),
        st.text(alphabet="aeinst", min_size=1, max_size=9),
    ),
    max_size=40,
).map(" ".join)
OPENING = st.sampled_from([FIRST, AFTER_CLAIM, AFTER_QUESTION])


def _by_feature(text: str, opening: str) -> list[list[int]]:
    """Return each head's sum for each sentence, feature by feature."""
    heads = shipped()
    return [
        [
            sum(heads.weights.get(name, {}).get(head, 0) for name, _, _ in sentence)
            for head in range(len(heads.names))
        ]
        for sentence in features(text, opening, heads.vocabulary)
    ] or [[0] * len(heads.names)]


def _packed(text: str, opening: str) -> list[int]:
    return [
        sum(weight << LANE * head for head, weight in enumerate(one)) for one in _by_feature(text, opening)
    ]


@settings(max_examples=150, deadline=None)
@given(TEXT, OPENING)
def test_the_fast_sum_is_the_sum_of_the_features_that_explain_it(raw: str, opening: str) -> None:
    text, heads = plain(raw), shipped()
    sums = _by_feature(text, opening)
    fast = heads.weigh(text, opening)
    best = [max(column) for column in zip(*sums, strict=True)]
    whole = [sum(column) for column in zip(*sums, strict=True)]
    assert all(
        got in (alone, max(alone, together)) for got, alone, together in zip(fast, best, whole, strict=True)
    )
    if len(text.split()) > WHOLE * 4:
        assert list(fast) == best


@settings(max_examples=150, deadline=None)
@given(ODD, OPENING)
def test_every_sentence_weighs_what_its_features_weigh(raw: str, opening: str) -> None:
    text = plain(raw)
    assert list(shipped().sums(text, opening).sentences) == _packed(text, opening)


@settings(max_examples=150, deadline=None)
@given(ODD, OPENING, st.lists(st.floats(0, 1), min_size=14, max_size=14), st.booleans())
def test_the_heads_that_reach_a_level_are_those_whose_weights_do(
    raw: str, opening: str, levels: list[float], is_listed: bool
) -> None:
    heads, seen = shipped(), [f"{LEXICON}complaint"] if is_listed else []
    levels = levels[: len(heads.names)] + [0.5] * (len(heads.names) - len(levels))
    summed = heads.sums(plain(raw), opening)
    weights = dict(enumerate(heads.heaviest(summed, seen)))
    wanted = {head: weight for head, weight in weights.items() if weight >= heads.least(head, levels[head])}
    assert dict(heads.reached(summed, heads.threshold(levels), seen)) == wanted


@settings(max_examples=25, deadline=None)
@given(st.lists(ODD, min_size=2, max_size=4), OPENING)
def test_a_text_that_is_read_in_parts_weighs_what_its_sentences_weigh(raw: list[str], opening: str) -> None:
    text, heads = plain("\n".join(raw) + "\n"), shipped()
    times = 1 + 6_000 // max(1, len(tokens_of(text)))
    once = _packed(text, opening) if re.search(r"\w", text) else []
    # What comes after the first time begins as any sentence does.
    wanted = [*once, *_packed(text, FIRST) * (times - 1)] if once else [0]
    assert list(heads.sums(text * times, opening).sentences) == wanted


@settings(max_examples=300, deadline=None)
@given(st.one_of(ODD, st.text(alphabet="a0' .,?!\n_-x\u00e9\u00df", max_size=60)))
def test_splitting_at_blanks_gives_the_tokens_that_the_expression_does(raw: str) -> None:
    text = plain(raw)
    marks = dict.fromkeys(".!;\n", ".") | dict.fromkeys(",:", ",")
    wanted = [marks.get(piece, piece) for piece in PIECES.findall(fold(text))]
    assert [marks.get(piece, piece) for piece in tokens_of(text)] == wanted


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


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        TEXT, st.sampled_from(["Wo ist meine `Bestellung`, bitte?", "DÓNDE está mi pedido", "WHERE is it"])
    )
)
def test_the_language_of_a_message_is_the_same_read_with_its_signals(text: str) -> None:
    told = read_new([Message(speaker=Speaker.USER, text=text)]).languages
    assert told.get(0) == (language_of(text) if text else None)


PHRASES = resources.files("handrail.signals").joinpath("small_talk.txt").read_text("utf-8").splitlines()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*PHRASES, "my order", "1182", "'"]), max_size=5),
    st.sampled_from([". ", ", ", " ", "!\n", "… "]),
)
def test_small_talk_is_a_listed_phrase_or_sentences_that_are(parts: list[str], between: str) -> None:
    text = between.join(parts)
    sentences = [" ".join(re.findall(r"[\w']+", one)) for one in re.split(r"[.!?,;:\n]", text)]
    whole = " ".join(re.findall(r"[\w']+", text))
    is_listed = all(one in PHRASES for one in sentences if one) or whole in PHRASES
    assert is_small_talk(text) is is_listed
