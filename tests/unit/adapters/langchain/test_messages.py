"""LangChain messages read for the guard, and written back with only what it changed."""

from dataclasses import replace
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from handrail.records import (
    Decision,
    Effect,
    Handoff,
    Message,
    PolicyRef,
    Reason,
    Speaker,
    Stage,
    ToolCall,
    Trigger,
)
from handrail_adapters.langchain.answers import read_draft, write_draft
from handrail_adapters.langchain.messages import (
    get_block,
    get_handoff,
    notice_fields,
    read_message,
    write_messages,
)

RAW_CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
CALL = {"name": "f", "args": {"a": 1}, "id": "c1", "type": "tool_call"}


@pytest.mark.parametrize(
    ("message", "speaker"),
    [
        (SystemMessage("x"), Speaker.SYSTEM),
        (HumanMessage("x"), Speaker.USER),
        (AIMessage("x"), Speaker.ASSISTANT),
        (AIMessageChunk("x"), Speaker.ASSISTANT),
        (ToolMessage("x", tool_call_id="c"), Speaker.TOOL),
        (ChatMessage("x", role="assistant"), Speaker.ASSISTANT),
        (ChatMessage("x", role="whoever"), Speaker.USER),
    ],
)
def test_every_kind_of_message_has_its_speaker(message: Any, speaker: Speaker) -> None:
    assert read_message(message).speaker is speaker
    assert read_message(message).text == "x"


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": "data:"}}, "image"),
        ({"type": "image", "base64": "AAAA"}, "image"),
        ({"type": "input_audio", "input_audio": {}}, "audio"),
        ({"type": "file", "file_id": "f"}, "file"),
        ({"type": "video", "url": "x"}, "video"),
    ],
)
def test_what_cannot_be_read_is_named_unless_it_is_trusted(block: dict[str, Any], kind: str) -> None:
    message = HumanMessage([{"type": "text", "text": "What is this?"}, block])
    assert read_message(message).unreadable == (kind,)
    assert read_message(message, trusted=(kind,)).unreadable == ()


def test_unchanged_messages_are_the_caller_s_own_objects() -> None:
    messages = [SystemMessage("a"), AIMessage("", tool_calls=[CALL]), ToolMessage("r", tool_call_id="c1")]
    written = write_messages(messages, [read_message(message) for message in messages])
    assert all(one is other for one, other in zip(written, messages, strict=True))


def test_masked_arguments_are_masked_in_every_place_that_repeats_them() -> None:
    message = AIMessage("", tool_calls=[CALL], additional_kwargs={"tool_calls": [RAW_CALL]})
    read = read_message(message)
    sent = replace(read, tool_calls=(ToolCall(id="c1", name="f", arguments='{"a": "[masked]"}'),))
    (written,) = write_messages([message], [sent])
    assert isinstance(written, AIMessage)
    assert written.tool_calls[0]["args"] == {"a": "[masked]"}
    raw = written.additional_kwargs["tool_calls"][0]
    assert raw["function"]["arguments"] == '{"a": "[masked]"}'
    assert message.tool_calls[0]["args"] == {"a": 1}


def test_a_note_of_the_guard_becomes_a_system_message() -> None:
    messages = [SystemMessage("rules"), HumanMessage("hello")]
    read = [read_message(message) for message in messages]
    note = Message(speaker=Speaker.SYSTEM, text="A person decided.", name="handrail")
    written = write_messages(messages, [read[0], note, read[1]])
    assert [m.content for m in written] == ["rules", "A person decided.", "hello"]
    assert written[2] is messages[1]


def test_an_answer_in_blocks_is_read_with_what_stands_beside_it() -> None:
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "one "},
        {"type": "text", "text": "two", "annotations": [{"title": "Ann"}]},
    ]
    draft = read_draft(AIMessage(blocks, response_metadata={"citations": ["page 3"], "model_name": "m"}))
    assert draft.text == "one two"
    assert any("hm" in aside for aside in draft.asides)
    assert any("Ann" in aside for aside in draft.asides)
    assert any("page 3" in aside for aside in draft.asides)
    assert draft.model == "m"


def test_a_masked_answer_is_masked_as_a_whole_and_loses_its_log_probabilities() -> None:
    tokens = {"content": [{"token": "SECRET", "logprob": -0.1}]}
    message = AIMessage(
        [{"type": "text", "text": "it is SEC"}, {"type": "text", "text": "RET"}],
        response_metadata={"logprobs": tokens},
    )
    before = read_draft(message)
    after = write_draft(message, before, replace(before, text="it is [masked]"))
    assert after.text == "it is [masked]"
    assert "SECRET" not in repr(after)


def test_a_masked_chunk_has_no_old_arguments_left() -> None:
    chunk = AIMessageChunk(
        "", tool_call_chunks=[{"name": "f", "args": '{"a": "Ann"}', "id": "c1", "index": 0}]
    )
    before = read_draft(chunk)
    calls = (replace(before.tool_calls[0], arguments='{"a": "[name]"}'),)
    after = write_draft(chunk, before, replace(before, tool_calls=calls))
    assert after.tool_calls[0]["args"] == {"a": "[name]"}
    assert "Ann" not in repr(after)


def test_hand_offs_and_blocks_are_read_back_from_their_messages() -> None:
    handoff = Handoff(ticket="T", role="r", triggers=(Trigger.COMPLAINT,), notice="Soon.")
    reason = Reason(rule="no-deletion", effect=Effect.BLOCK, trigger=Trigger.NEVER_AI)
    policy = PolicyRef(name="p", version="1", sha256="0")
    decision = Decision(stage=Stage.ANSWER, effect=Effect.BLOCK, policy=policy, reasons=(reason,))
    handed = AIMessage(**notice_fields("Soon.", handoff, decision, is_structured=False))
    blocked = AIMessage(**notice_fields("No.", None, decision, is_structured=True))
    assert get_handoff(handed) == handoff
    assert get_block(handed) is None
    assert get_handoff(blocked) is None
    found = get_block(blocked)
    assert found is not None
    assert [reason.rule for reason in found.reasons] == ["no-deletion"]
    assert blocked.additional_kwargs["refusal"] == "No."
