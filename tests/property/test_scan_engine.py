import re
from copy import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.scan import Scanner, default_scanner, redact
from handrail.scan.catalogue import shipped
from handrail.scan.engine import CHUNK, Engine
from handrail.scan.expressions import encode
from handrail.scan.partial_match import partial_match
from handrail.scan.spec import EntitySpec, ListedValue, ScanSpec
from handrail.text.normalise import normalise
from support.entity_examples import expand

VALUE = "write to jane@example.com now"
EXAMPLES = [expand(text) for entity in shipped() for text in (*entity.match, *entity.not_match)]


class Silent:
    """A set that says of every text what a failed automaton says; the engine then runs every pattern."""

    def Match(self, data):  # noqa: N802
        return []


def ungated(scanner):
    """Return the scanner with gates that give up on every text and rules that search all of it."""
    gates = []
    for gate in scanner.engine.gates:
        gates.append(copy(gate))
        gates[-1].rules = tuple(map(copy, gate.rules))
        for rule in gates[-1].rules:
            rule.__dict__["needs_digit"] = False
        parts = tuple(part._replace(set=Silent(), asks=b"") for part in gate.compiled.parts)
        words = gate.compiled.words._replace(set=Silent())
        gates[-1].__dict__["compiled"] = gate.compiled._replace(parts=parts, words=words)
    scanner.engine = Engine(*gates)
    return scanner


OWN = ScanSpec(
    entities=(
        EntitySpec(type="badge", category="identifier", patterns=(r"\bB-\d{4}\b",), context=("badge",)),
        EntitySpec(type="topic", category="legal", terms=("small claims",), weak_terms=("judge", "bench")),
        EntitySpec(type="email", category="identifier", patterns=(r"[a-z]+@[a-z]+[.]com",)),
    ),
    deny=(ListedValue(value="Project Falcon"),),
)
OWN_TEXTS = ["badge B-1182", "B-1182", "small claims", "the judge on the bench", "a@b.com", "project falcon"]
UNGATED = ungated(Scanner())
ZEROS = "0٠۰०๐０𝟎"
LEADS = (
    "",
    "+",
    "00",
    "(",
    "tel ",
    "call ",
    "Order ",
    "тел.",
    "电话：",
    "هاتف ",
    "card ",
    "IBAN DE",
    "x",
    "A",
)
PARTS = ("", " ", "-", ".", "/", " - ", "  ", "_", ",", "\u00a0", " (", ") ", "\u2011", "|", "\n", " ext 4")


@st.composite
def numbers(draw):
    """What is shaped like telephone numbers, orders, cards or dates, in the digits of any script."""
    zero = ord(draw(st.sampled_from(ZEROS)))
    groups = draw(st.lists(st.tuples(st.text("0123456789", min_size=1, max_size=10), st.sampled_from(PARTS))))
    written = "".join(group + part for group, part in groups)
    digits = {ord("0") + digit: chr(zero + digit) for digit in range(10)}
    return draw(st.sampled_from(LEADS)) + written.translate(digits)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(EXAMPLES), st.text(max_size=30), numbers()), min_size=1, max_size=6),
    st.data(),
)
def test_the_gate_changes_nothing_but_the_time(parts, data):
    gap = "no news " * data.draw(st.integers(0, CHUNK // 8))
    text = normalise(gap.join(parts)).text
    found = default_scanner().engine.sweep(text, encode(text)).found
    assert sorted(found, key=repr) == sorted(UNGATED.engine.sweep(text, encode(text)).found, key=repr)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*EXAMPLES, *OWN_TEXTS * 40]), min_size=1, max_size=6))
def test_a_gate_of_the_policy_s_own_changes_nothing_but_the_time(parts):
    text = normalise(". ".join(parts)).text
    alone, plain = Scanner(OWN), ungated(Scanner(OWN))
    found = alone.candidates(text)
    assert sorted(found, key=repr) == sorted(plain.candidates(text), key=repr)
    types = {one.spec.type for one in found}
    assert ("badge" in types, "denied" in types) == ("B-1182" in text, "project falcon" in text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(), max_size=60), max_size=5).map(f"\n{VALUE}\n".join))
def test_any_text_is_scanned_and_every_span_lies_within_it(text):
    found = default_scanner().scan(text)
    assert (VALUE in text) <= any(finding.type == "email" for finding in found)
    for finding in found:
        assert 0 <= finding.start < finding.end <= len(text)
        assert 0 <= finding.score <= 1


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=80), st.text(alphabet=st.characters(), max_size=80))
def test_a_redacted_value_is_gone_from_the_text(before, after):
    text = f"{before}\n{VALUE}\n{after}"
    found = default_scanner().scan(text)
    assert any(text[f.start : f.end] == "jane@example.com" for f in found)
    assert "jane@example.com" not in redact(text, found)


@settings(max_examples=40, deadline=None)
@given(st.integers(CHUNK - 60, CHUNK + 20))
def test_a_value_at_a_chunk_edge_is_found_like_anywhere_else(offset):
    text = "x " * (offset // 2) + VALUE + " y" * 400
    found = [f for f in default_scanner().scan(text) if f.type == "email"]
    assert [text[f.start : f.end] for f in found] == ["jane@example.com"]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=60))
def test_every_character_of_a_normalised_text_maps_into_the_original(text):
    view = normalise(text)
    last = 0
    for offset in range(len(view.text)):
        start, end = view.raw_span(offset, offset + 1)
        assert last <= start < end <= len(text)
        assert view.raw_start(offset) == start
        last = start


EXPRESSIONS = [r"\bab{2,3}(?:c|de)+f?\b", r"(?i:key)[ ]?=[ ]?(\d{4,8})", r"[a-c]{2,4}@(?:[a-c]+\.)+de"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(EXPRESSIONS), st.data())
def test_every_beginning_of_a_match_is_seen_as_one(expression, data):
    text = data.draw(st.from_regex(re.compile(expression, re.ASCII), fullmatch=True))
    captured = re.fullmatch(expression, text, re.ASCII)
    assert captured is not None
    first = captured.start(1) if captured.re.groups else 0
    growing = re.compile(f"(?:{partial_match(expression)})\\Z", re.ASCII)
    for end in range(first + 1, len(text) + 1):
        assert growing.match(text[:end])
