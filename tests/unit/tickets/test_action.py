"""An action is one value, whatever way it is written, and its digest binds exactly it."""

import hashlib
import json

import pytest

from handrail.errors import CheckFailed
from handrail.records import ToolCall
from handrail.tickets.action import (
    MAX_DEPTH,
    MAX_DIGITS,
    RECEIVER,
    FrozenAction,
    action_digest,
    canonical_arguments,
    with_receiver,
)


def why(arguments: str) -> str:
    with pytest.raises(CheckFailed) as raised:
        canonical_arguments(arguments)
    assert raised.value.step == "action arguments"
    return raised.value.why


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("", "{}"),
        ("  ", "{}"),
        ('{"b": 1, "a": [2, {"d": 1, "c": null}]}', '{"a":[2,{"c":null,"d":1}],"b":1}'),
        ('{"a": 10.0}', '{"a":10}'),
        ('{"a": 1e1}', '{"a":10}'),
        ('{"a": 0.50}', '{"a":0.5}'),
        ('{"a": -0.0}', '{"a":0}'),
        ('{"a": 100}', '{"a":100}'),
        ('{"a": "\\u0061"}', '{"a":"a"}'),
        ('{"a": true, "b": "1"}', '{"a":true,"b":"1"}'),
    ],
)
def test_one_value_has_one_form(written: str, canonical: str) -> None:
    assert canonical_arguments(written) == canonical
    assert canonical_arguments(canonical) == canonical


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("5", "not a JSON object"),
        ('{"a": 1, "a": 1}', "a key occurs twice"),
        ('{"a": {"b": 1, "b": 2}}', "a key occurs twice"),
        ('{"a": NaN}', "NaN or infinity"),
        ('{"a": -Infinity}', "NaN or infinity"),
        (f'{{"a": {"1" * (MAX_DIGITS + 1)}}}', "a number of too many digits"),
        (f'{{"a": 1e{MAX_DIGITS + 1}}}', "a number out of range"),
        (f'{{"a": 1e-{MAX_DIGITS + 1}}}', "a number out of range"),
        ('{"a": 1e9999999999999999999999}', "unreadable number"),
        (f'{{"a": {"[" * (MAX_DEPTH + 1)}{"]" * (MAX_DEPTH + 1)}}}', "nested too deeply"),
    ],
)
def test_what_is_not_one_unambiguous_object_is_refused_with_the_reason(arguments: str, reason: str) -> None:
    assert why(arguments) == reason


def test_the_bounds_are_what_they_are_because_digests_were_made_with_them() -> None:
    assert (MAX_DEPTH, MAX_DIGITS) == (64, 64)


def test_bounds_are_the_last_that_is_let_by() -> None:
    long = "1" * MAX_DIGITS
    assert canonical_arguments(f'{{"a": {long}}}') == f'{{"a":{long}}}'
    assert canonical_arguments(f'{{"a": 1e{MAX_DIGITS}}}') == f'{{"a":1{"0" * MAX_DIGITS}}}'
    deep = MAX_DEPTH - 1
    assert canonical_arguments(f'{{"a": {"[" * deep}1{"]" * deep}}}').count("[") == deep
    assert why(f'{{"a": {"[" * MAX_DEPTH}1{"]" * MAX_DEPTH}}}') == "nested too deeply"


def test_a_digest_is_over_tool_arguments_policy_and_tenant() -> None:
    base = {"tool": "pay", "arguments_json": '{"a": 1}', "policy_sha256": "p", "tenant": "t"}
    digest = action_digest(**base)
    expected = {"arguments": '{"a":1}', "policy": "p", "tenant": "t", "tool": "pay"}
    text = json.dumps(expected, sort_keys=True, separators=(",", ":"))
    assert digest == hashlib.sha256(text.encode()).hexdigest()
    for name in base:
        other = '{"a": 2}' if name == "arguments_json" else "other"
        assert action_digest(**{**base, name: other}) != digest
    action = FrozenAction.of(ToolCall(id="1", name="pay", arguments='{"a": 1.0}'))
    assert action == FrozenAction(tool="pay", arguments='{"a":1}')
    assert action.digest(policy_sha256="p", tenant="t") == digest


def test_a_call_with_an_argument_that_could_not_be_read_is_no_action() -> None:
    call = ToolCall(id="1", name="pay", arguments="{}", unreadable=("a", "b"))
    with pytest.raises(CheckFailed) as raised:
        FrozenAction.of(call)
    assert (raised.value.step, raised.value.why) == ("action arguments", "a, b")


def test_an_edit_keeps_the_object_whose_method_acts() -> None:
    original = f'{{"{RECEIVER}": {{"b": 1, "a": 2}}, "x": 1}}'
    assert with_receiver('{"x":2}', original) == '{"self":{"a":2,"b":1},"x":2}'
    assert with_receiver('{"self": {"a": 2, "b": 1.0}, "x": 2}', original) == '{"self":{"a":2,"b":1},"x":2}'
    with pytest.raises(CheckFailed) as raised:
        with_receiver('{"self": 5}', original)
    assert (raised.value.step, raised.value.why) == (
        "decide",
        "the object whose method acts cannot be edited",
    )
    assert with_receiver('{"self": 5}', '{"x": 1}') == '{"self": 5}'
    assert with_receiver('{"x": 2}', "{") == '{"x": 2}'
