"""Chat completions as plain dicts: read, changed where the guard changed something, and nowhere else."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handrail.confidence.cascade import prompt_sha256
from handrail.errors import CheckFailed
from handrail.records import Draft, FaultKind, Handoff, Message, Speaker, ToolCall, Trigger
from handrail.wire import chat
from handrail.wire.handoff import read_handoff
from support.model_server import Say
from support.openai_shapes import completion, pieces

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
ASKS: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "developer", "content": "rules"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "result"},
        {"role": "user", "content": "three"},
    ],
}
HANDOFF = Handoff(
    ticket="T1",
    role="finance_lead",
    triggers=(Trigger.HIGH_STAKES,),
    notice="Soon.",
    due=datetime(2026, 1, 5, 9, tzinfo=UTC),
)


def test_a_request_is_read_message_by_message() -> None:
    asked = chat.read_request({**ASKS, "n": 2, "stream": True, "logprobs": True})
    speakers = [message.speaker for message in asked.messages]
    assert speakers == [Speaker.SYSTEM, Speaker.USER, Speaker.ASSISTANT, Speaker.TOOL, Speaker.USER]
    assert asked.messages[2].tool_calls == (ToolCall(id="c1", name="f", arguments='{"a": 1}'),)
    assert asked.messages[3].tool_call_id == "c1"
    assert (asked.n, asked.stream, asked.wants_logprobs, asked.is_structured) == (2, True, True, False)


def test_an_unchanged_request_is_the_very_same_object() -> None:
    assert chat.write_request(ASKS, chat.read_request(ASKS).messages) is ASKS


def test_only_what_the_guard_changed_is_changed() -> None:
    messages = list(chat.read_request(ASKS).messages)
    messages[1] = replace(messages[1], text=messages[1].text.replace("two", "[masked]"))
    messages[2] = replace(messages[2], tool_calls=(ToolCall(id="c1", name="f", arguments="{}"),))
    sent: Any = chat.write_request(ASKS, messages)
    assert sent["messages"][1]["content"] == [
        {"type": "text", "text": "one"},
        {"type": "text", "text": "[masked]"},
    ]
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert [sent["messages"][i] for i in (0, 3, 4)] == [ASKS["messages"][i] for i in (0, 3, 4)]
    assert ASKS["messages"][1]["content"][1]["text"] == "two"


def test_a_message_that_is_withheld_as_a_whole_leaves_none_of_its_parts() -> None:
    messages = list(chat.read_request(ASKS).messages)
    messages[1] = replace(messages[1], text="[withheld: health]")
    sent: Any = chat.write_request(ASKS, messages)
    assert [part["text"] for part in sent["messages"][1]["content"]] == ["[withheld: health]", ""]


def test_a_note_of_the_guard_is_put_where_the_guard_put_it() -> None:
    read = chat.read_request(ASKS).messages
    note = Message(speaker=Speaker.SYSTEM, text="A person decided.", name="handrail")
    sent: Any = chat.write_request(ASKS, (read[0], note, *read[1:]))
    assert sent["messages"][1] == {"role": "system", "content": "A person decided."}
    assert [m for i, m in enumerate(sent["messages"]) if i != 1] == ASKS["messages"]


def test_a_field_that_is_no_setting_is_read_as_a_document_and_written_back() -> None:
    body = {**ASKS, "documents": [{"title": "Ann", "text": "secret"}], "top_k": 5}
    asked = chat.read_request(body)
    assert asked.messages[0].name == "documents"
    assert asked.messages[0].speaker is Speaker.TOOL
    masked = replace(asked.messages[0], text=asked.messages[0].text.replace("secret", "[masked]"))
    sent = chat.write_request(body, (masked, *asked.messages[1:]))
    assert sent["documents"] == [{"title": "Ann", "text": "[masked]"}]
    assert sent["messages"] == ASKS["messages"]
    withheld: Any = chat.write_request(body, (replace(masked, text="[withheld]"), *asked.messages[1:]))
    assert withheld["documents"] == [{"title": "[withheld]", "text": ""}]


def test_what_the_program_says_of_its_tools_is_its_own_text_and_judged() -> None:
    function = {"name": "f", "description": "ask Ann", "parameters": {"type": "object"}}
    body = {**ASKS, "tools": [{"type": "function", "function": function}], "n": 2, "seed": 7, "stop": ["Ann"]}
    first, *others = chat.read_request(body).messages
    assert (first.speaker, first.name) == (Speaker.SYSTEM, "setting tools")
    assert prompt_sha256(chat.read_request(body).messages) == prompt_sha256(others)
    assert "Ann" in first.text
    assert len(others) == len(ASKS["messages"])
    masked = replace(first, text=first.text.replace("Ann", "[name]"))
    sent: Any = chat.write_request(body, (masked, *others))
    assert sent["tools"][0]["function"] == {**function, "description": "ask [name]"}
    assert sent["messages"] == ASKS["messages"]


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"type": "image_url", "image_url": {"url": "data:"}}, "image"),
        ({"type": "file", "file": {"file_id": "f"}}, "file"),
        ({"type": "input_audio", "input_audio": {}}, "audio"),
        ({"type": "hologram", "data": "x"}, "hologram"),
        ({"type": "What? <b>"}, "unknown"),
        ({"type": "text", "text": 3}, "text"),
    ],
)
def test_what_cannot_be_read_is_named(part: dict[str, Any], kind: str) -> None:
    asked = chat.read_request({"messages": [{"role": "user", "content": [part]}]})
    assert asked.unreadable == (kind,)


def test_log_probabilities_and_a_self_check_are_asked_for_in_a_copy() -> None:
    sent: Any = chat.write_request(
        ASKS, chat.read_request(ASKS).messages, logprobs=True, instruction="How sure?"
    )
    assert sent["logprobs"] is True
    assert sent["messages"][-1] == {"role": "system", "content": "How sure?"}
    assert "logprobs" not in ASKS


@pytest.mark.parametrize(
    ("more", "is_structured", "wants_json"),
    [
        ({"response_format": {"type": "json_schema"}}, True, True),
        ({"response_format": {"type": "text"}}, False, False),
        ({"tools": [{"type": "function", "function": {"name": "f", "strict": True}}]}, True, False),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, False, False),
    ],
)
def test_structured_output_is_recognised(more: dict[str, Any], is_structured: bool, wants_json: bool) -> None:
    asked = chat.read_request({**ASKS, **more})
    assert (asked.is_structured, asked.wants_json) == (is_structured, wants_json)


def test_an_unchanged_response_is_the_very_same_object() -> None:
    body = completion({"logprobs": True}, Say("On its way.", others=["Soon."], calls=[("f", "{}")]))
    assert chat.write_drafts(body, chat.read_response(body)) is body


def test_a_redacted_choice_loses_its_log_probabilities_and_the_other_keeps_them() -> None:
    body = completion({"logprobs": True}, Say("Ask Ann.", others=["Soon."]))
    first, second = chat.read_response(body)
    released: Any = chat.write_drafts(body, [replace(first, text="Ask [name]."), second])
    assert released["choices"][0]["message"]["content"] == "Ask [name]."
    assert released["choices"][0]["logprobs"] is None
    assert released["choices"][1] == body["choices"][1]


def test_a_choice_cut_at_its_end_keeps_the_log_probabilities_of_what_is_left() -> None:
    body = completion({"logprobs": True}, Say("Fine.\n0.9", cut=1))
    (draft,) = chat.read_response(body)
    released: Any = chat.write_drafts(body, [replace(draft, text="Fine.")])
    assert "".join(t["token"] for t in released["choices"][0]["logprobs"]["content"]) == "Fine."


def test_a_call_that_is_not_released_is_not_in_the_response() -> None:
    body = completion({}, Say(None, calls=[("f", "{}"), ("g", "{}")]))
    (draft,) = chat.read_response(body)
    released: Any = chat.write_drafts(body, [replace(draft, tool_calls=draft.tool_calls[1:])])
    assert [c["function"]["name"] for c in released["choices"][0]["message"]["tool_calls"]] == ["g"]


def test_words_beside_the_answer_are_asides_and_can_be_masked() -> None:
    body = completion({}, Say("Fine.", extra={"reasoning_content": "Ann said so"}))
    (draft,) = chat.read_response(body)
    assert draft.asides == ("Ann said so",)
    released: Any = chat.write_drafts(body, [replace(draft, asides=("[name] said so",))])
    assert released["choices"][0]["message"]["reasoning_content"] == "[name] said so"


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [1]}, {"choices": [{"message": 3}]}])
def test_what_is_no_response_is_unreadable(body: dict[str, Any]) -> None:
    assert {draft.fault for draft in chat.read_response(body)} == {FaultKind.UNREADABLE}


def test_sound_is_unreadable() -> None:
    body = completion({}, Say(None, extra={"audio": {"data": "AAAA", "transcript": "hello"}}))
    (draft,) = chat.read_response(body)
    assert draft.fault is FaultKind.UNREADABLE
    assert draft.asides == ("hello",)


@pytest.mark.parametrize("cut", [1, 2, 5, 100])
def test_a_stream_comes_to_the_response_it_was_made_from(cut: int) -> None:
    say = Say("On its way.", others=["Soon."], calls=[("f", '{"a": 1}')], refusal=None, cut=cut)
    say.extra = {"reasoning_content": "Hm, well."}
    request = {"stream": True, "logprobs": True, "stream_options": {"include_usage": True}}
    stream = collected(request, say)
    assert stream.drafts() == chat.read_response(completion(request, say))
    assert stream.released(stream.drafts()) is None
    assert stream.whole["usage"] == completion(request, say)["usage"]


def collected(request: dict[str, Any], say: Say) -> chat.Stream:
    import json

    stream = chat.Stream()
    for piece in pieces("/chat/completions", request, say):
        if piece.startswith(b"data: {"):
            stream.feed(json.loads(piece[6:]))
    return stream


def test_a_stream_that_never_ended_is_truncated_and_a_broken_one_unreadable() -> None:
    stream = chat.Stream()
    stream.feed({"choices": [{"index": 0, "delta": {"content": "On its"}}]})
    assert stream.drafts()[0].fault is FaultKind.TRUNCATED
    stream.broken()
    assert stream.drafts()[0].fault is FaultKind.UNREADABLE
    assert chat.Stream().drafts()[0].fault is FaultKind.UNREADABLE


def test_a_hand_off_keeps_the_provider_s_bill_and_nothing_it_said() -> None:
    body = completion({}, Say("secret"))
    handed: Any = chat.write_handoff({**ASKS, "n": 2}, HANDOFF, "Soon.", created=5, upstream=body)
    assert "secret" not in str(handed)
    assert handed["usage"] == body["usage"]
    assert [choice["message"]["content"] for choice in handed["choices"]] == ["Soon.", "Soon."]
    assert read_handoff(handed["handoff"]) == HANDOFF


def test_a_hand_off_of_structured_output_is_a_refusal() -> None:
    asked = {**ASKS, "response_format": {"type": "json_schema"}}
    handed: Any = chat.write_handoff(asked, HANDOFF, "Soon.", created=5)
    message = handed["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == (None, "Soon.")


def test_drafts_of_another_response_are_refused() -> None:
    with pytest.raises(CheckFailed):
        chat.write_drafts(completion({}, Say("x")), [Draft(), Draft()])


def test_a_sample_asks_once_and_a_question_comes_without_tools() -> None:
    body = {**ASKS, "n": 3, "stream": True, "stream_options": {}, "tools": [], "response_format": {}}
    read = chat.read_request(body).messages
    again: Any = chat.write_sample(body, read, temperature=0.7, question=None, logprobs=False)
    assert (again["n"], again["temperature"], "stream" in again, "tools" in again) == (1, 0.7, False, True)
    asked: Any = chat.write_sample(body, read, temperature=0.0, question="True?", logprobs=True)
    assert asked["messages"][-1] == {"role": "user", "content": "True?"}
    assert not {"tools", "response_format", "stream"} & set(asked)
