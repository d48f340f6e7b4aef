"""A tool counts as answered where it answered with anything but a failure."""

import pytest

from handrail.pipeline.provenance import has_succeeded
from handrail.records import Message, Speaker, ToolCall


@pytest.mark.parametrize(
    ("answer", "is_identified"),
    [
        ("anna_1", True),
        ('{"customer_id": "C1"}', True),
        ("Error: user not found", False),
        ('{"error": "nobody"}', False),
        ('{"ok": false}', False),
        ("null", False),
        ("[]", False),
        ("", False),
    ],
)
def test_a_look_up_that_failed_proves_nothing(answer: str, is_identified: bool) -> None:
    call = ToolCall(id="1", name="find_user", arguments="{}")
    messages = (
        Message(speaker=Speaker.ASSISTANT, tool_calls=(call,)),
        Message(speaker=Speaker.TOOL, text=answer, tool_call_id="1"),
    )
    assert has_succeeded(messages, "find_user") is is_identified
