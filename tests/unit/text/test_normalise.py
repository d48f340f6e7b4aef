import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.text.normalise import normalise, writable


def test_ascii_comes_back_as_it_is():
    text = "plain text 123"
    assert normalise(text).text is text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("ze\u200bro\u2060 wi\ufeffdth", "zero width"),
        ("so\u00adft", "soft"),
        ("раураl", "paypal"),
        ("٤١١١ ४", "4111 4"),
        ("a–b−c", "a-b-c"),
        ("key—and…", "key—and…"),
        ("a\u00a0b\u2003c", "a b c"),
        ("ﬁne ㎏", "fine kg"),
        ("café", "café"),
    ],
)
def test_what_looks_alike_is_made_alike(text, expected):
    assert normalise(text).text == expected


def test_a_span_maps_back_over_dropped_characters():
    text = "to j\u200bo\u200be@x.org!"
    view = normalise(text)
    at = view.text.index("joe")
    start, end = view.raw_span(at, at + 9)
    assert text[start:end] == "j\u200bo\u200be@x.org"


def test_an_edge_inside_a_ligature_moves_outward():
    view = normalise("aﬁb")
    assert view.text == "afib"
    assert view.raw_span(1, 2) == (1, 2)
    assert view.raw_span(2, 3) == (1, 2)
    assert view.raw_span(0, 4) == (0, 3)


def test_offsets_of_the_original_map_forward():
    view = normalise("a\u200bb\ufb01c")
    assert view.text == "abfic"
    assert view.offset(0) == 0
    assert view.offset(2) == 1
    assert view.raw_start(5) == 5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("caf\u00e9 \U0001f600", "caf\u00e9 \U0001f600"),
        ("\ud83d\ude00!", "\U0001f600!"),
        ("a\ud83d", "a\ufffd"),
    ],
)
def test_half_a_character_is_joined_or_replaced(text, kept):
    assert writable(text) == kept


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from("aZ4 -éßçæ“”’‘–…·。、４Ａ我الабвονо٣०ﬁ\u00ad\u00a0")),
        max_size=40,
    )
)
def test_a_text_is_folded_as_its_characters_are(text):
    seen = normalise(text)
    for offset, character in enumerate(seen.text):
        start, end = seen.raw_span(offset, offset + 1)
        of_one = normalise(text[start:end]).text
        assert character in (*of_one, *text[start:end])
    if text.isascii() or (len(seen.text) == len(text) and not seen.starts):
        assert all(got in (normalise(one).text, one) for got, one in zip(seen.text, text, strict=True))


def test_many_different_characters_are_folded_as_a_few_are():
    full = "".join(map(chr, range(0xFF21, 0xFF3B)))
    assert normalise(full).text == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert normalise(full[:3]).text == "ABC"
