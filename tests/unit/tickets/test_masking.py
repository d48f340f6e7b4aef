"""What was found is masked wherever it occurs, and arguments stay JSON."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.tickets.masking import Mask

MASK = Mask(labels=(("4111111111111111", "[card]"), ("ann@example.org", "[email]"), ("536", "[ssn]")))


@pytest.mark.parametrize(
    ("arguments", "masked"),
    [
        ('{"to":"ann@example.org"}', {"to": "[email]"}),
        ('{"card":4111111111111111,"n":1}', {"card": "[card]", "n": 1}),
        ('{"cards":[4111111111111111,7,536]}', {"cards": ["[card]", 7, "[ssn]"]}),
        ('{"a":"say \\"ann@example.org\\"","n":-536}', {"a": 'say "[email]"', "n": "-[ssn]"}),
        ('{"536":{"n":5.36e2}}', {"[ssn]": {"n": 5.36e2}}),
        ('{"ok":true,"none":null,"n":12}', {"ok": True, "none": None, "n": 12}),
    ],
)
def test_masked_arguments_are_json_that_says_the_same_but_what_was_found(
    arguments: str, masked: object
) -> None:
    assert json.loads(MASK.in_json(arguments)) == masked


def in_layers(value: str, layers: int, choices: Random) -> str:
    """A value in JSON in a string of JSON …, escaped where one need not."""
    letters = "".join(
        f"\\u{ord(one):04x}" if choices.random() < 0.4 else json.dumps(one)[1:-1] for one in value
    )
    text = f'{{"a":"say {letters} now"}}'
    for _ in range(layers):
        text = json.dumps({"in": text}, ensure_ascii=choices.random() < 0.5)
    return text


@given(
    value=st.text(alphabet='aZ7ü漢/."\n\t@ -', min_size=3, max_size=12).filter(
        lambda text: text.strip() == text
    ),
    layers=st.integers(0, 3),
    choices=st.randoms(use_true_random=False),
)
def test_a_value_is_masked_however_deep_and_however_escaped_it_stands(
    value: str, layers: int, choices: Random
) -> None:
    text = in_layers(value, layers, choices)
    known = Mask.of({choices.choice([value, in_layers(value, 0, choices)[10:-6]]): "[found]"})
    read: object = json.loads(known.in_json(text))
    while isinstance(read, dict):
        (inner,) = read.values()
        read = json.loads(inner) if inner.startswith("{") else inner
    assert read == "say [found] now"


@given(text=st.text(alphabet='\\u0041dD8"n', max_size=60))
def test_any_escapes_whole_or_broken_are_read_and_nothing_else_changes(text: str) -> None:
    assert Mask.of({"no such value": "[found]"}).cut(text) == text


def test_many_backslashes_cost_no_more_than_their_number() -> None:
    text = "\\" * 200_000 + "x"
    assert MASK.cut(text) == text


def test_what_is_no_json_is_masked_as_text() -> None:
    assert MASK.in_json('{"to": ann@example.org') == '{"to": [email]'
    assert MASK.in_json("") == ""
