"""Responses as plain dicts: items read, changed where the guard changed something, and nowhere else."""

import json
from dataclasses import replace
from typing import Any

import pytest

from handrail.errors import ConfigError
from handrail.records import FaultKind, Handoff, Message, Speaker, ToolCall
from handrail.wire import responses
from support.model_server import Say
from support.openai_shapes import pieces, response

ASKS: dict[str, Any] = {
    "model": "m",
    "instructions": "rules",
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "one"}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "result"},
        {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"type": "item_reference", "id": "i"},
    ],
}
HANDOFF = Handoff(ticket="T1", role="finance_lead", triggers=(), notice="Soon.")


def collected(say: Say, request: dict[str, Any] | None = None) -> responses.Stream:
    stream = responses.Stream()
    for piece in pieces("/responses", {"stream": True, **(request or {})}, say):
        stream.feed(json.loads(piece.split(b"data: ", 1)[1]))
    return stream


def test_a_request_is_read_item_by_item() -> None:
    messages = responses.read_request(ASKS).messages
    assert [(m.speaker, m.text) for m in messages] == [
        (Speaker.SYSTEM, "rules"),
        (Speaker.USER, "one"),
        (Speaker.ASSISTANT, ""),
        (Speaker.TOOL, "result"),
        (Speaker.ASSISTANT, "hm"),
        (Speaker.TOOL, ""),
    ]
    assert messages[2].tool_calls == (ToolCall(id="c1", name="f", arguments='{"a": 1}'),)


@pytest.mark.parametrize("given", ["hello", [], [{"role": "user", "content": "hello"}]])
def test_an_unchanged_request_is_the_very_same_object(given: Any) -> None:
    for body in ({**ASKS, "input": given}, {"model": "m", "input": given}):
        assert responses.write_request(body, responses.read_request(body).messages) is body


def test_only_what_the_guard_changed_is_changed() -> None:
    messages = list(responses.read_request(ASKS).messages)
    messages[0] = replace(messages[0], text="[masked]")
    messages[3] = replace(messages[3], text="[masked]")
    messages[2] = replace(messages[2], tool_calls=(replace(messages[2].tool_calls[0], arguments="{}"),))
    sent: Any = responses.write_request(ASKS, messages)
    assert sent["instructions"] == "[masked]"
    assert sent["input"][1]["arguments"] == "{}"
    assert sent["input"][2]["output"] == "[masked]"
    assert [sent["input"][i] for i in (0, 3, 4)] == [ASKS["input"][i] for i in (0, 3, 4)]


def test_a_plain_input_stays_plain_unless_something_has_to_stand_beside_it() -> None:
    body = {"model": "m", "input": "secret"}
    (message,) = responses.read_request(body).messages
    assert responses.write_request(body, [replace(message, text="[masked]")])["input"] == "[masked]"
    note = Message(speaker=Speaker.SYSTEM, text="A person decided.")
    sent: Any = responses.write_request(body, [note, message], instruction="How sure?")
    assert sent["input"] == [
        {"role": "developer", "content": "A person decided."},
        {"role": "user", "content": "secret"},
        {"role": "developer", "content": "How sure?"},
    ]


def test_variables_of_a_stored_prompt_are_read_as_a_document() -> None:
    body = {**ASKS, "prompt": {"id": "p", "variables": {"who": "Ann"}}}
    first = responses.read_request(body).messages[0]
    assert "Ann" in first.text
    assert first.speaker is Speaker.TOOL


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ({"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}, "image"),
        ({"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}, "file"),
        (
            {"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": "d"}},
            "image",
        ),
        ({"type": "image_generation_call", "id": "x", "result": "AAAA"}, "image"),
    ],
)
def test_what_cannot_be_read_is_named(item: dict[str, Any], kind: str) -> None:
    assert responses.read_request({"input": [item]}).unreadable == (kind,)


def test_a_background_response_is_refused() -> None:
    with pytest.raises(ConfigError):
        responses.read_request({"input": "x", "background": True})


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"type": "shell_call", "call_id": "c", "action": {"commands": ["rm -r /"]}}, "shell_call"),
        ({"type": "mcp_approval_request", "id": "c", "name": "pay", "arguments": "{}"}, "pay"),
        ({"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "drop"}, "sql"),
    ],
)
def test_everything_that_asks_the_program_to_act_is_a_call(item: dict[str, Any], name: str) -> None:
    body = {**response({}, Say("Fine.")), "output": [item]}
    assert [call.name for call in responses.read_response(body)[0].tool_calls] == [name]


def test_an_unchanged_response_is_the_very_same_object() -> None:
    body = response({}, Say("On its way.", others=["Soon."], calls=[("f", "{}")]))
    drafts = responses.read_response(body)
    assert drafts[0].text.splitlines()[::2] == ["On its way.", "Soon."]
    assert responses.write_drafts(body, drafts) is body


def test_a_text_over_several_parts_is_judged_apart_and_as_one_and_stays_in_its_parts() -> None:
    body = response({}, Say("the key is SEC", others=["RET-1"]))
    (draft,) = responses.read_response(body)
    assert "SECRET-1" in draft.words
    released: Any = responses.write_drafts(
        body, [replace(draft, text=draft.text.replace("RET-1", "[masked]"))]
    )
    texts = [part["text"] for item in released["output"] for part in item["content"]]
    assert texts == ["the key is SEC", "[masked]"]
    withheld: Any = responses.write_drafts(body, [replace(draft, text="[masked]")])
    assert [part["text"] for item in withheld["output"] for part in item["content"]] == ["[masked]", ""]


def test_what_a_response_says_again_of_its_request_is_not_said_by_the_model() -> None:
    tool = {"type": "function", "name": "f", "description": "ask Ann"}
    body = {**response({}, Say("Fine.")), "instructions": "rules", "tools": [{**tool, "strict": True}]}
    sent = {"instructions": "rules", "tools": [tool]}
    assert responses.read_response(body, sent=sent)[0].asides == ()
    assert responses.read_response({**body, "instructions": "other"}, sent=sent)[0].asides == ("other",)
    assert "ask Ann" in responses.read_response(body)[0].asides


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_that_is_not_finished_is_unreadable(status: str) -> None:
    body = {**response({}, Say("x")), "status": status}
    assert responses.read_response(body)[0].fault is FaultKind.UNREADABLE


@pytest.mark.parametrize("cut", [1, 3, 100])
def test_a_stream_comes_to_the_response_it_was_made_from(cut: int) -> None:
    say = Say("On its way.", calls=[("f", '{"a": 1}')], cut=cut)
    stream = collected(say)
    assert stream.drafts() == responses.read_response(response({}, say))
    assert stream.released(stream.drafts()) is None


def test_words_that_are_only_in_the_deltas_are_judged_too() -> None:
    stream = collected(Say("On its way.", cut=4))
    stream.feed({"type": "response.output_text.delta", "output_index": 7, "delta": "SECRET-1"})
    assert stream.drafts()[0].asides == ("SECRET-1",)
    rewritten = stream.released([replace(stream.drafts()[0], asides=("[masked]",))])
    assert rewritten is not None
    assert "SECRET-1" not in json.dumps(rewritten)


def test_a_masked_stream_says_the_same_everywhere() -> None:
    stream = collected(Say("Ask Ann.", calls=[("f", '{"who": "Ann"}')], cut=2))
    (draft,) = stream.drafts()
    calls = (replace(draft.tool_calls[0], arguments='{"who": "[name]"}'),)
    events = stream.released([replace(draft, text="Ask [name].", tool_calls=calls)])
    assert events is not None
    assert "Ann" not in json.dumps(events)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


def test_a_stream_that_never_ended_is_truncated() -> None:
    stream = responses.Stream()
    stream.feed({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "On"})
    (draft,) = stream.drafts()
    assert (draft.text, draft.fault) == ("On", FaultKind.TRUNCATED)


def test_log_probabilities_are_asked_for_and_stripped_everywhere() -> None:
    body = {"model": "m", "input": "x", "include": ["reasoning.encrypted_content"]}
    sent = responses.write_request(body, responses.read_request(body).messages, logprobs=True)
    assert sent["include"] == ["reasoning.encrypted_content", "message.output_text.logprobs"]
    stream = collected(Say("Fine.", cut=2), {"include": sent["include"]})
    events = stream.released(stream.drafts(), keep_logprobs=False)
    assert '"logprob"' not in json.dumps(events)


@pytest.mark.parametrize("is_structured", [True, False])
def test_a_hand_off_has_the_shape_the_request_expects(is_structured: bool) -> None:
    asked = {**ASKS, "metadata": {"a": "b"}}
    if is_structured:
        asked["text"] = {"format": {"type": "json_schema", "name": "n", "schema": {}}}
    body = response({}, Say("secret"))
    handed: Any = responses.write_handoff(asked, HANDOFF, "Soon.", created=5, upstream=body)
    (part,) = handed["output"][0]["content"]
    assert part["type"] == ("refusal" if is_structured else "output_text")
    assert "secret" not in json.dumps(handed)
    assert handed["metadata"] == {"a": "b", "handoff_ticket": "T1"}


TOLD = {
    "type": "message",
    "id": "m",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "told by an item", "annotations": []}],
}
ASKED = {"type": "function_call", "id": "f", "call_id": "c", "name": "pay", "arguments": '{"amount": 9}'}


def streamed(*events: dict[str, Any]) -> responses.Stream:
    stream = responses.Stream()
    for event in events:
        stream.feed(event)
    return stream


def ended(*items: dict[str, Any], **response: Any) -> responses.Stream:
    done = [
        {"type": "response.output_item.done", "output_index": at, "item": item}
        for at, item in enumerate(items)
    ]
    last = {"type": "response.completed", "response": {"id": "r", "status": "completed", **response}}
    return streamed(*done, last)


@pytest.mark.parametrize(
    "output", [None, [None], [{"type": "message", "role": "assistant", "content": None}]]
)
def test_null_says_nothing(output: Any) -> None:
    body = {"id": "r", "status": "completed", "output": output}
    (draft,) = responses.read_response(body)
    assert (draft.text, draft.tool_calls, draft.fault) == ("", (), None)
    assert responses.write_drafts(body, [draft]) is body


@pytest.mark.parametrize("body", [{}, {"output": "text"}, {"output": {}}, {"output": ["text"]}])
def test_what_is_no_list_of_items_is_unreadable(body: dict[str, Any]) -> None:
    (draft,) = responses.read_response(body)
    assert draft.fault is FaultKind.UNREADABLE


def test_a_text_that_is_null_is_none_and_what_stands_beside_it_is_judged() -> None:
    part = {"type": "output_text", "text": None, "annotations": [], "note": "beside"}
    content = [part, None, {"type": "output_text", "text": "after"}]
    body = {"output": [None, {"type": "message", "role": "assistant", "content": content}]}
    (draft,) = responses.read_response(body)
    assert (draft.text, draft.fault) == ("after", None)
    assert "beside" in draft.asides
    written: Any = responses.write_drafts(body, [replace(draft, text="[masked]")])
    assert written["output"][0] is None
    assert [p and p["text"] for p in written["output"][1]["content"]] == [None, None, "[masked]"]


@pytest.mark.parametrize("response", [{}, {"output": None}])
def test_a_last_event_without_output_leaves_it_to_the_items(response: dict[str, Any]) -> None:
    stream = ended(TOLD, ASKED, **response)
    (draft,) = stream.drafts()
    assert (draft.text, draft.fault) == ("told by an item", None)
    assert [call.name for call in draft.tool_calls] == ["pay"]
    assert stream.released([draft]) is None
    masked: Any = stream.released([replace(draft, text="[masked]", tool_calls=())])
    assert "told by an item" not in json.dumps(masked)
    assert "pay" not in json.dumps(masked)


def test_an_item_that_was_never_done_says_what_its_deltas_say() -> None:
    kind, place = "response.function_call_arguments.delta", {"output_index": 0, "item_id": "f"}
    stream = streamed(
        {"type": "response.output_item.added", "output_index": 0, "item": {**ASKED, "arguments": ""}},
        {"type": kind, **place, "delta": '{"amount":'},
        {"type": kind, **place, "delta": " 9}"},
        {"type": "response.completed", "response": {"id": "r", "status": "completed"}},
    )
    assert [call.arguments for call in stream.drafts()[0].tool_calls] == ['{"amount": 9}']


def test_a_call_that_only_an_event_asks_for_is_judged_as_a_call() -> None:
    stream = ended(ASKED, output=[{**ASKED, "arguments": '{"amount": 1}'}])
    (draft,) = stream.drafts()
    assert [call.arguments for call in draft.tool_calls] == ['{"amount": 1}', '{"amount": 9}']
    assert stream.released([draft]) is None
    written: Any = stream.released([replace(draft, tool_calls=draft.tool_calls[:1])])
    assert [item["arguments"] for item in written[-1]["response"]["output"]] == ['{"amount": 1}']
    assert '"amount": 9' not in json.dumps(written)


def test_an_event_that_says_something_too_deep_to_read_is_unreadable() -> None:
    deep: Any = "said"
    for _ in range(400):
        deep = {"a": deep}
    last = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": []}}
    (calm,) = streamed({"type": "response.strange", "strange": {"a": "said"}}, last).drafts()
    assert calm.unreadable == ()
    assert "said" in str(calm.asides)
    (draft,) = streamed({"type": "response.strange", "strange": deep}, last).drafts()
    assert draft.unreadable == ("depth",)
