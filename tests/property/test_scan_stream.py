"""For every way of cutting a text, the stream equals the redaction of the whole and shows no raw value."""

import base64
import itertools
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.scan import default_scanner, redact
from handrail.scan.catalogue import shipped
from handrail.scan.stream import StreamScanner
from support.entity_examples import expand

VALUES = [expand(text) for entity in shipped() for text in (*entity.match, *entity.not_match)]
WORDS = (
    "the",
    "call",
    "my",
    "order",
    "is",
    "at",
    "dot",
    "number",
    "phone",
    "and",
    "Jane",
    "Doe",
    "in",
    "12",
    "3",
)
WORDS += ("2024", "about", "tax", "doctor", "pain", "é", "12-10", ",", ".", ":")
HIDE = (
    *([lambda v: v] * 5),
    lambda v: base64.b64encode(v.encode()).decode(),
    urllib.parse.quote,
    " ".join,
    "\u200b".join,
    lambda v: v.replace("@", " at ").replace(".", " dot "),
    lambda v: v.encode().hex(),
)
TYPES = (None, frozenset({"email", "phone", "card", "credential"}), frozenset({"identifier", "health"}))

pieces = st.one_of(
    st.builds(lambda value, hide: hide(value), st.sampled_from(VALUES), st.sampled_from(HIDE)),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(" ".join),
    st.text(max_size=12),
)
texts = st.lists(st.tuples(pieces, st.sampled_from([" ", "", "\n", ", ", ". "])), min_size=1, max_size=5).map(
    lambda parts: "".join(value + separator for value, separator in parts)
)


def whole(text, types):
    return redact(text, kept(text, types))


def kept(text, types):
    found = default_scanner().scan(text)
    return [f for f in found if types is None or f.type in types or f.category in types]


def check(text, chunks, types, together=1):
    stream = StreamScanner(default_scanner(), types)
    expected = whole(text, types)
    out = ""
    count = 0
    for at in range(0, len(chunks), together):
        given_back = stream.feed_all(chunks[at : at + together])
        count += len(given_back)
        out += "".join(given_back)
        # What was let go so far is a beginning of the redacted whole: no raw value can be in it.
        assert expected.startswith(out)
    rest = stream.finish()
    assert out + "".join(rest) == expected
    assert count + len(rest) == len(chunks)
    assert stream.findings == default_scanner().scan(text)


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(TYPES))
def test_character_by_character_the_stream_equals_the_whole(text, types):
    check(text, list(text), types)


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(TYPES), st.data())
def test_every_split_of_a_text_gives_the_redaction_of_the_whole(text, types, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    edges = [0, *cuts, len(text)]
    check(text, [text[a:b] for a, b in itertools.pairwise(edges)], types)


@settings(max_examples=60, deadline=None)
@given(texts, st.sampled_from(TYPES), st.integers(1, 4), st.integers(1, 40))
def test_chunks_that_come_together_are_judged_as_one_by_one(text, types, size, together):
    check(text, [text[at : at + size] for at in range(0, len(text), size)], types, together)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(texts, st.sampled_from(TYPES))
def test_many_texts_stream_as_they_scan(text, types):
    check(text, list(text), types)


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES)
def test_every_split_in_two_of_every_example_gives_the_redaction_of_the_whole(value):
    text = f"note: {value} and so on"
    for cut in range(len(text)):
        check(text, [text[:cut], text[cut:]], None)
