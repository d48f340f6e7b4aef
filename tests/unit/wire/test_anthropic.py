"""Anthropic's messages as plain dicts: what need not change does not, and nothing said goes unread."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handrail.errors import CheckFailed
from handrail.records import FaultKind, Handoff, Message, Speaker, ToolCall, Trigger
from handrail.wire import anthropic
from handrail.wire.sse import EventReader

BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9,
    "system": "Rules.",
    "messages": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": "found"},
                {"type": "text", "text": "And?"},
            ],
        },
    ],
}
TEXTS = st.text(min_size=1, max_size=20).filter(lambda text: "\u241e" not in text)
BLOCKS = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text, "citations": None}, TEXTS),
    st.builds(lambda text: {"type": "thinking", "thinking": text, "signature": "s"}, TEXTS),
    st.builds(
        lambda number, text: {"type": "tool_use", "id": f"t{number}", "name": "f", "input": {"a": text}},
        st.integers(0, 10**6),
        TEXTS,
    ),
    st.builds(lambda text: {"type": "unheard_of", "words": {"deep": [text]}}, TEXTS),
)
ANSWERS = st.lists(BLOCKS, max_size=5).map(
    lambda content: {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }
)


def test_each_part_of_a_request_is_a_message_of_its_own_speaker() -> None:
    messages = anthropic.read_request(BODY).messages
    assert [(message.speaker, message.text) for message in messages] == [
        (Speaker.SYSTEM, "Rules."),
        (Speaker.USER, "Hello"),
        (Speaker.ASSISTANT, ""),
        (Speaker.TOOL, "found"),
        (Speaker.USER, "And?"),
    ]
    assert messages[2].tool_calls == (ToolCall(id="t1", name="f", arguments='{"a": 1}'),)
    assert messages[3].tool_call_id == "t1"


def test_a_request_in_which_nothing_changes_is_the_same_object() -> None:
    assert anthropic.write_request(BODY, anthropic.read_request(BODY).messages) is BODY
    assert anthropic.write_request(BODY, anthropic.read_request(BODY).messages, logprobs=True) is BODY


@pytest.mark.parametrize("system", [None, "Rules.", [{"type": "text", "text": "Rules."}]])
def test_what_the_guard_adds_goes_into_the_system_text(system: Any) -> None:
    body = {name: value for name, value in {**BODY, "system": system}.items() if value is not None}
    messages = anthropic.read_request(body).messages
    first = 0 if system is None else 1
    note = Message(speaker=Speaker.SYSTEM, text="A person approved it.", name="handrail")
    sent = anthropic.write_request(
        body, (*messages[:first], note, *messages[first:]), instruction="Say how sure you are."
    )
    told = json.dumps(sent["system"])
    assert ("Rules." in told) is (system is not None)
    assert "A person approved it." in told
    assert "Say how sure you are." in told
    assert sent["messages"] == BODY["messages"]


def test_a_masked_result_stays_in_its_message() -> None:
    messages = list(anthropic.read_request(BODY).messages)
    messages[3] = replace(messages[3], text="[masked]")
    sent = anthropic.write_request(BODY, messages)["messages"]
    assert isinstance(sent, list)
    assert [message["role"] for message in sent] == ["user", "assistant", "user"]
    assert sent[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "t1", "content": "[masked]"},
        {"type": "text", "text": "And?"},
    ]


@pytest.mark.parametrize(
    ("block", "kinds"),
    [
        ({"type": "image", "source": {"type": "base64", "data": "AAAA"}}, ("image",)),
        ({"type": "document", "source": {"type": "url", "url": "https://example.org"}}, ("file",)),
        (
            {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "source": {}}]},
            ("image",),
        ),
        ({"type": "container_upload", "file_id": "f"}, ("file",)),
        ("a bare text", ("unknown",)),
    ],
)
def test_what_nothing_can_read_is_named(block: Any, kinds: tuple[str, ...]) -> None:
    body = {"messages": [{"role": "user", "content": [block]}]}
    assert anthropic.read_request(body).unreadable == kinds


def test_a_field_nobody_knows_is_a_document() -> None:
    body = {**BODY, "briefing": {"text": "words"}}
    first = anthropic.read_request(body).messages[0]
    assert (first.speaker, first.name) == (Speaker.TOOL, "briefing")
    assert "words" in first.text


def test_a_sample_has_no_stream_and_no_tools_where_a_question_is_asked() -> None:
    body = {**BODY, "stream": True, "tools": [{"name": "f"}], "thinking": {"type": "enabled"}}
    sent = anthropic.write_sample(
        body, anthropic.read_request(body).messages, temperature=1.3, question="Sure?", logprobs=False
    )
    assert sent["temperature"] == 1.0
    assert not sent.keys() & {"stream", "tools", "thinking"}
    assert sent["messages"][-1] == {"role": "user", "content": "Sure?"}  # type: ignore[index]


@given(ANSWERS)
def test_an_answer_in_which_nothing_changes_is_the_same_object(body: dict[str, Any]) -> None:
    assert anthropic.write_drafts(body, anthropic.read_response(body)) is body


@given(ANSWERS)
def test_everything_an_answer_says_is_in_its_draft(body: dict[str, Any]) -> None:
    (draft,) = anthropic.read_response(body)
    told = "\n".join([draft.text, *draft.asides, *(call.arguments for call in draft.tool_calls)])
    for block in body["content"]:
        for said in (block.get("text"), block.get("thinking")):
            assert said is None or said in told
        given, words = block.get("input"), block.get("words")
        assert given is None or json.dumps(given, ensure_ascii=False) in told
        assert words is None or all(word in told for word in ("words", "deep", *words["deep"]))


@given(ANSWERS)
def test_a_stream_comes_to_the_answer_it_was_made_of(body: dict[str, Any]) -> None:
    stream = anthropic.Stream()
    for event in EventReader().feed(anthropic.write_events(anthropic.stream_of(body))):
        payload = event.payload()
        assert payload is not None
        stream.feed(payload)
    assert stream.whole == body
    assert stream.drafts() == anthropic.read_response(body)
    assert stream.released(stream.drafts()) is None


@pytest.mark.parametrize("content", [None, "text", [1], [{"type": "image", "source": {}}]])
def test_an_answer_that_cannot_be_read_is_a_fault(content: Any) -> None:
    assert anthropic.read_response({"content": content})[0].fault is FaultKind.UNREADABLE


def test_arguments_that_are_no_json_stay_text_for_the_guard_to_refuse() -> None:
    stream = anthropic.Stream()
    stream.feed({"type": "message_start", "message": {"content": [], "model": "m"}})
    block = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    stream.feed({"type": "content_block_start", "index": 0, "content_block": block})
    stream.feed({"type": "content_block_delta", "index": 0, "delta": {"partial_json": '{"a": '}})
    stream.feed({"type": "message_stop"})
    assert stream.drafts()[0].tool_calls[0].arguments == '{"a": '


@pytest.mark.parametrize("event", [{"type": "unheard_of"}, {"type": "content_block_delta", "index": 7}, {}])
def test_an_event_nobody_knows_breaks_the_stream(event: dict[str, Any]) -> None:
    stream = anthropic.Stream()
    stream.feed(event)
    assert stream.drafts()[0].fault is FaultKind.UNREADABLE


def test_a_masked_text_takes_its_citations_with_it() -> None:
    block = {"type": "text", "text": "It is 4711.", "citations": [{"cited_text": "4711"}]}
    body: dict[str, Any] = {"content": [block], "model": "m", "stop_reason": "end_turn"}
    (draft,) = anthropic.read_response(body)
    assert "4711" in draft.asides[0]
    written = anthropic.write_drafts(body, [replace(draft, text="It is [masked].")])
    assert "4711" not in json.dumps(written)
    with pytest.raises(CheckFailed):
        anthropic.write_drafts(body, [])


def test_a_hand_off_is_a_message_with_the_notice() -> None:
    handoff = Handoff(ticket="T1", role="finance_lead", triggers=(Trigger.HIGH_STAKES,), notice="Wait.")
    body = anthropic.write_handoff(BODY, handoff, "Wait.", created=1)
    assert body["content"] == [{"type": "text", "text": "Wait.", "citations": None}]
    assert body["stop_reason"] == "end_turn"
    assert body["handoff"]["ticket"] == "T1"  # type: ignore[index]
    assert "handoff" not in anthropic.write_handoff(BODY, None, "No.", created=1)


def test_an_event_that_says_something_too_deep_to_read_is_unreadable() -> None:
    deep: Any = "said"
    for _ in range(400):
        deep = {"a": deep}
    stream = anthropic.Stream()
    stream.feed({"type": "message_start", "message": {"content": [], "model": "m"}})
    stream.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "strange": deep})
    stream.feed({"type": "message_stop"})
    assert "depth" in stream.drafts()[0].unreadable
