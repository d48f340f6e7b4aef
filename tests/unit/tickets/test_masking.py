"""What was found is masked wherever it occurs, and arguments stay JSON."""

import json

import pytest

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


def test_what_is_no_json_is_masked_as_text() -> None:
    assert MASK.in_json('{"to": ann@example.org') == '{"to": [email]'
    assert MASK.in_json("") == ""
