"""Requests and answers in shapes that no page documents: every word is read, or they are unreadable."""

from dataclasses import replace
from typing import Any

import pytest

from handrail.records import FaultKind
from handrail.wire import anthropic, chat, responses

SECRET = "SECRET-4711"


@pytest.mark.parametrize(
    "messages",
    [SECRET, [SECRET], {"role": "user", "content": SECRET}, [{"role": "user", "content": "a"}, SECRET]],
    ids=["a text", "a list of texts", "one object", "a text among messages"],
)
@pytest.mark.parametrize("wire", [chat, anthropic], ids=["chat", "anthropic"])
def test_messages_that_are_no_list_of_objects_are_read(wire: Any, messages: Any) -> None:
    body = {"model": "m", "messages": messages}
    read = wire.read_request(body).messages
    assert any(SECRET in message.text for message in read)
    assert wire.write_request(body, read) is body


@pytest.mark.parametrize("field", ["input", "instructions"])
@pytest.mark.parametrize(
    "value",
    [[{"type": "input_text", "text": SECRET}], {"role": "user", "content": SECRET}, [SECRET]],
    ids=["parts", "one object", "a list of texts"],
)
def test_input_and_instructions_of_any_shape_are_read_or_unreadable(field: str, value: Any) -> None:
    read = responses.read_request({"model": "m", field: value})
    assert read.unreadable or any(SECRET in message.text for message in read.messages)


def test_a_message_without_a_readable_shape_is_unreadable() -> None:
    for wire in (chat, anthropic):
        assert wire.read_request({"messages": [7]}).unreadable
    assert responses.read_request({"input": [7]}).unreadable
    assert responses.read_request({"input": 7}).unreadable


def called(call: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}


def test_arguments_given_as_an_object_are_read_and_written_back_as_one() -> None:
    body = called({"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": SECRET}}})
    message = chat.read_request(body).messages[0]
    (call,) = message.tool_calls
    assert SECRET in call.arguments
    masked = replace(call, arguments=call.arguments.replace(SECRET, "[masked]"))
    sent: Any = chat.write_request(body, [replace(message, tool_calls=(masked,))])
    assert sent["messages"][0]["tool_calls"][0]["function"]["arguments"] == {"a": "[masked]"}


def test_a_call_of_two_kinds_is_unreadable_in_requests_and_answers() -> None:
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": "{}"},
        "custom": {"name": "g", "input": SECRET},
    }
    body = called(call)
    assert chat.read_request(body).unreadable == ("tool_call",)
    (draft,) = chat.read_response({"choices": [{"index": 0, "message": body["messages"][0]}]})
    assert draft.fault is not None


@pytest.mark.parametrize("place", ["call", "function"])
def test_words_beside_a_call_are_read_and_can_be_masked(place: str) -> None:
    call: dict[str, Any] = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    (call if place == "call" else call["function"])["note"] = SECRET
    body = called(call)
    assert SECRET in chat.read_request(body).messages[0].text
    (draft,) = chat.read_response({"choices": [{"index": 0, "message": body["messages"][0]}]})
    assert any(SECRET in aside for aside in draft.asides)


@pytest.mark.parametrize("field", ["parsed", "metadata"])
def test_what_an_answer_says_twice_is_read_twice(field: str) -> None:
    message: dict[str, Any] = {"role": "assistant", "content": "fine"}
    body: dict[str, Any] = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    (message if field == "parsed" else body)[field] = {"a": SECRET}
    (draft,) = chat.read_response(body)
    assert any(SECRET in aside for aside in draft.asides)


@pytest.mark.parametrize("value", [{SECRET: 1}, 4111111111111111, [{"a": [4111111111111111]}]])
def test_keys_and_numbers_of_an_unknown_field_are_read_and_can_hold_no_mask(value: Any) -> None:
    body: dict[str, Any] = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "fine", "more": value}}]
    }
    (draft,) = chat.read_response(body)
    assert any(SECRET in aside or "4111111111111111" in aside for aside in draft.asides)
    words = draft.words
    assert any(words[start:end] in (SECRET, "4111111111111111") for start, end in draft.fixed)
    body["choices"][0]["message"]["more"] = {"took": 12}
    assert chat.read_response(body)[0].asides == ("more", "took", "12")


def test_a_chunk_that_carries_a_whole_message_is_unreadable() -> None:
    stream = chat.Stream()
    stream.feed({"choices": [{"index": 0, "delta": {"content": "fine"}}]})
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    stream.feed({"choices": [{**end, "message": {"role": "assistant", "content": SECRET}}]})
    assert all(draft.fault is FaultKind.UNREADABLE for draft in stream.drafts())


def test_the_output_text_beside_the_output_is_read() -> None:
    said = {"type": "message", "content": [{"type": "output_text", "text": "fine", "annotations": []}]}
    (draft,) = responses.read_response({"status": "completed", "output": [said], "output_text": SECRET})
    assert any(SECRET in aside for aside in draft.asides)
