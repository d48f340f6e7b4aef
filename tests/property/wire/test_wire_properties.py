"""Promises of the wire for any JSON: it never fails on what it reads, and no text slips by unread."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handrail.wire import chat, responses

KEYS = st.sampled_from(
    [
        *("messages", "input", "instructions", "choices", "message", "delta", "content", "text", "type"),
        *("tool_calls", "function", "arguments", "name", "role", "refusal", "output", "summary", "audio"),
        *("id", "index", "logprobs", "finish_reason", "function_call", "reasoning", "data", "x", "response"),
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.sampled_from(["", "user", "text", "NEEDLE", "message"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=5)
MODULES = pytest.mark.parametrize("wire", [chat, responses])


@MODULES
@settings(max_examples=150, deadline=None)
@given(body=OBJECTS)
def test_any_request_can_be_read_and_goes_on_unchanged(wire: Any, body: dict[str, Any]) -> None:
    messages = wire.read_request(body).messages
    assert wire.write_request(body, messages) is body


@MODULES
@settings(max_examples=150, deadline=None)
@given(body=OBJECTS)
def test_any_response_can_be_read_and_goes_on_unchanged_or_is_unreadable(
    wire: Any, body: dict[str, Any]
) -> None:
    drafts = wire.read_response(body)
    assert drafts
    if all(draft.fault is None for draft in drafts):
        assert wire.write_drafts(body, drafts) is body


@MODULES
@settings(max_examples=100, deadline=None)
@given(events=st.lists(OBJECTS, max_size=4))
def test_any_stream_can_be_read(wire: Any, events: list[dict[str, Any]]) -> None:
    stream = wire.Stream()
    for event in events:
        stream.feed(event)
    drafts = stream.drafts()
    assert drafts
    if all(draft.fault is None for draft in drafts):
        assert stream.released(drafts) is None


PLACES = st.dictionaries(st.sampled_from(["x", "reasoning", "summary", "notes"]), JSON, max_size=3)


@settings(max_examples=150, deadline=None)
@given(extra=PLACES, beside=PLACES)
def test_no_text_of_a_readable_chat_answer_goes_unread(extra: dict[str, Any], beside: dict[str, Any]) -> None:
    body = {"choices": [{"message": {"content": "a", **extra}, "finish_reason": "stop", **beside}]}
    (draft,) = chat.read_response(body)
    told = json.dumps([draft.words, [call.arguments for call in draft.tool_calls]])
    for value in (*extra.values(), *beside.values()):
        if "NEEDLE" in json.dumps(value) and draft.fault is None:
            assert "NEEDLE" in told
