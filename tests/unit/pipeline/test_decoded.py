"""JSON in a text is judged as whoever parses it reads it, and stays JSON of the same layout when masked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.pipeline.decoded import fixed_in, hide_decoded, scan_decoded
from handrail.pipeline.withhold import Downstream, call_cannot_mask, masked_call
from handrail.records import Draft, ToolCall
from handrail.scan import default_scanner, redact
from handrail.scan.vault import Vault

MAIL, CARD, SSN = "ann@example.org", "4539148803436467", "536904399"
TYPES = frozenset({"email", "card", "us_ssn"})


def masked(text: str, types: frozenset[str] = TYPES) -> str:
    return Downstream(scanner=default_scanner(), types=types, vault=None).text(text)


@pytest.mark.parametrize("gap", ["\\n", "\\t", "\\u000a", "\\\\", "\\/", "\\r\\n"])
@pytest.mark.parametrize(("secret", "label"), [(MAIL, "[EMAIL]"), (CARD, "[CARD]")])
def test_what_stands_behind_an_escape_is_masked_and_the_rest_is_kept(
    gap: str, secret: str, label: str
) -> None:
    text = f'{{ "answer" :"Write to{gap}{secret}", "n":\t1.50, "tags": ["\\/x"]}}'
    told = masked(text)
    assert json.loads(told) == json.loads(text.replace(secret, label))
    assert told.startswith('{ "answer" :"Write to')
    assert told.endswith(f'{label}", "n":\t1.50, "tags": ["\\/x"]}}')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'Here: {"a": "to\\nann@example.org"} and bob@example.org',
            'Here: {"a": "to\\n[EMAIL]"} and [EMAIL]',
        ),
        ('```json\n{"a": "to\\nann@example.org"}\n```', '```json\n{"a": "to\\n[EMAIL]"}\n```'),
        ('{"a": 1}\n{"b": "\\nann@example.org"}', '{"a": 1}\n{"b": "\\n[EMAIL]"}'),
        ('"Write to\\nann@example.org"', '"Write to\\n[EMAIL]"'),
        (f'["Her SSN is", "{SSN}"]', '["Her SSN is", "[US_SSN]"]'),
        (f'{{"ssn": "{SSN}"}}', '{"ssn": "[US_SSN]"}'),
        ('{"a": "\\u0061nn@example.org \\ud83d\\ude00"}', '{"a": "[EMAIL] \\ud83d\\ude00"}'),
        ("see [1] and {x}: ann@example.org", "see [1] and {x}: [EMAIL]"),
    ],
)
def test_json_anywhere_in_a_text_is_read_decoded(text: str, expected: str) -> None:
    assert masked(text) == expected


def test_json_in_a_string_of_json_is_read_decoded_too() -> None:
    inner = json.dumps({"x": f"to\n{MAIL}", "y": f"see {json.dumps({'z': CARD})}"})
    told = json.loads(json.loads(masked(json.dumps({"inner": inner})))["inner"])
    assert told == {"x": "to\n[EMAIL]", "y": 'see {"z": "[CARD]"}'}


@given(
    st.recursive(
        st.text(max_size=8) | st.sampled_from([f"to\n{MAIL}", f"\t{CARD}", "Ваш заказ", '"', "\\", 1, None]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    st.booleans(),
)
def test_masked_json_is_json_and_differs_only_where_something_was_found(value: object, plain: bool) -> None:
    text = json.dumps([value], ensure_ascii=plain)
    told = masked(text)
    assert MAIL not in told
    assert CARD not in told
    # The same on decoded data: every string by itself.
    if MAIL not in text and CARD not in text:
        assert told == text
    assert json.dumps(json.loads(told)).count("[") >= 1


@given(st.text(alphabet='{}[]",:\\n1a ', max_size=40))
def test_any_text_is_read_and_a_span_lies_within_it(text: str) -> None:
    for finding in scan_decoded(default_scanner(), text):
        assert 0 <= finding.start < finding.end <= len(text)
    assert hide_decoded(text, (), redact) == text


@pytest.mark.parametrize("text", [f'{{"n": {CARD}}}', f'{{"{CARD}": 1}}', f'{{"a": [1, {CARD}]}}'])
def test_a_number_or_a_key_cannot_hold_a_mask(text: str) -> None:
    found = scan_decoded(default_scanner(), text)
    assert any(start <= one.start and one.end <= end for one in found for start, end in fixed_in(text))
    assert call_cannot_mask(ToolCall(id="1", name="t", arguments=text), default_scanner(), TYPES)


def test_arguments_of_a_call_are_masked_in_their_leaves() -> None:
    call = ToolCall(id="1", name="t", arguments=f'{{"to":"x\\n{MAIL}", "n": 1.0}}')
    assert masked_call(call, default_scanner(), TYPES).arguments == '{"to":"x\\n[EMAIL]", "n": 1.0}'
    assert not call_cannot_mask(call, default_scanner(), TYPES)


def test_what_the_caller_gave_is_no_label_in_a_tools_arguments() -> None:
    vault = Vault()
    (finding,) = default_scanner().scan(MAIL)
    name = vault.hide(MAIL, [finding])
    given_back = vault.restore_arguments(json.dumps({"to": name, "cc": "bob@example.org"}))
    draft = Draft(
        text=f"To {name}, not bob@example.org", tool_calls=(ToolCall(id="1", name="t", arguments=given_back),)
    )
    told = Downstream(scanner=default_scanner(), types=TYPES, vault=vault).draft(draft)
    assert told.text == f"To {MAIL}, not [EMAIL]"
    assert json.loads(told.tool_calls[0].arguments) == {"to": MAIL, "cc": "[EMAIL]"}


@pytest.mark.parametrize(
    "text",
    [
        '["write to ann@exam", "ple.org now"]',
        json.dumps({"content": [{"text": "card 453914", "n": 1}, {"text": "8803436467, thanks"}]}),
        json.dumps({"body": '["write to ann@exam", "ple.org now"]'}),
    ],
)
def test_what_is_split_over_two_items_of_a_list_is_masked_in_both(text: str) -> None:
    told = masked(text)
    assert json.loads(told)
    assert not any(piece in told for piece in ("ann@exam", "ple.org", "453914", "8803436467"))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": ["write to ann@exam"], "b": ["ple.org now"]}',
        '{"a": "4539 1488", "b": "0343 6467", "c": 7}',
        '{"social_security": ["536", "90", "4399"]}',
        '{"social_security": {"a": "536", "b": "904399"}}',
        '{"date_of_birth": ["1984-03-12", "1990-05-04"]}',
    ],
)
def test_neighbours_are_read_as_one_and_behind_their_names(text: str) -> None:
    told = masked(text, TYPES | {"date_of_birth"})
    assert json.loads(told)
    assert not any(piece in told for piece in ("ann@exam", "4539", "536", "4399", "1984", "1990"))


def test_neighbours_that_are_no_one_value_stay() -> None:
    text = '{"name": "Ann", "zip": "78705", "order": "W4711", "items": ["9612497925", "4107812777"], "n": 7}'
    assert masked(text, TYPES | {"date_of_birth"}) == text
