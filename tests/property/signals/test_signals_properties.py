import math
import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from handrail.records import Draft, FaultKind, Message, Money, Speaker, Unknown
from handrail.signals import read_signals
from handrail.signals.assent import agrees
from handrail.signals.faults import read_fault
from handrail.text.amounts import read_amounts, total_of_counted
from handrail.text.money import parse_money

TALK = [
    "talk to",
    "a",
    "person",
    "human",
    "no",
    "not",
    "don't",
    "want",
    "you told me",
    "that's wrong",
    "file",
]
MONEY = [
    "7",
    "refunds of",
    "$",
    "92",
    "each",
    "x",
    "US",
    "EUR",
    "€",
    "twenty",
    "hundred",
    "and",
    "million",
    "cents",
]
WORDS = st.sampled_from([*TALK, *MONEY, "complaint", "file", "million", "service", ",", ".", "?", "!", "-"])
TEXT = st.one_of(st.text(max_size=200), st.lists(WORDS, max_size=40).map(" ".join))


@given(TEXT, st.booleans())
def test_every_signal_lies_in_the_message_it_names(text: str, has_answer: bool) -> None:
    messages = [Message(speaker=Speaker.ASSISTANT, text="Yes.")] if has_answer else []
    messages.append(Message(speaker=Speaker.USER, text=text))
    for signal in read_signals(messages):
        assert signal.place is not None
        assert 0 <= signal.start < signal.end <= len(messages[signal.place.index].text)


@given(TEXT)
def test_a_polite_frame_does_not_hide_a_wish_for_a_person(text: str) -> None:
    framed = f"{text}. Please let me talk to a person."
    kinds = {signal.kind.value for signal in read_signals([Message(speaker=Speaker.USER, text=framed)])}
    assert "asks_for_human" in kinds


@given(TEXT)
def test_amounts_are_in_order_and_never_negative(text: str) -> None:
    spans = read_amounts(text)
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(a.start < a.end <= len(text) and a.amount >= 0 and a.count >= 1 for a in spans)
    total = total_of_counted(text)
    assert total is None or total.amount == sum(a.amount * a.count for a in spans if a.count > 1)


@given(st.integers(2, 999), st.integers(1, 99_999))
def test_a_split_amount_is_added_up(count: int, cents: int) -> None:
    total = total_of_counted(f"do it as {count} refunds of ${cents / 100:.2f}")
    assert total is not None
    assert total.amount * 100 == count * cents


RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=50),
    st.lists(st.integers()),
)


@given(RAW | st.dictionaries(st.sampled_from(["amount", "value", "currency", "x"]), RAW))
def test_a_typed_amount_is_exact_or_unknown_and_never_raises(raw: object) -> None:
    read = parse_money(raw, currency="USD")
    if isinstance(read, Unknown):
        return
    assert isinstance(read, Money)
    assert read.amount >= 0
    assert read.amount == round(read.amount, 2)
    if isinstance(raw, float):
        assert math.isclose(float(read.amount), raw)


@given(st.integers(0, 10**9))
def test_every_whole_number_of_cents_survives(cents: int) -> None:
    read = parse_money(f"{cents // 100}.{cents % 100:02d}", currency="USD")
    assert isinstance(read, Money)
    assert read.amount * 100 == cents


@given(TEXT, st.booleans())
def test_reading_a_fault_never_raises(text: str, wants_json: bool) -> None:
    fault = read_fault(Draft(text=text), wants_json=wants_json)
    assert fault is None or isinstance(fault, FaultKind)


def test_hostile_texts_take_linear_time() -> None:
    began = time.process_time()
    for piece in (
        "talk to ",
        "no no ",
        "1,1,1,",
        "a hundred and ",
        "- ",
        "you told me ",
        "7 x ",
        "(a ",
        "1.1.",
    ):
        text = piece * (100_000 // len(piece))
        read_signals([Message(speaker=Speaker.USER, text=text)])
        read_amounts(text)
    assert time.process_time() - began < 10


@given(TEXT)
def test_a_refusal_undoes_any_yes(text: str) -> None:
    assert not agrees(f"{text}\nNo, don't do it.")
    assert not agrees(f"No, don't do it.\n{text}")
