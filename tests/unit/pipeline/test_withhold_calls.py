"""Arguments of calls in a conversation: masked wherever the call stands, and whatever shape they have."""

from collections.abc import Callable, Sequence

import pytest

from handrail import Guard
from handrail.records import Message, Speaker, ToolCall

MAIL = "jane.doe@example.com"
ARGUMENTS = [f"write to {MAIL}", f'{{"to": "{MAIL}"}}', f'{{"to": "{MAIL}"', f'"{MAIL}"', f"\x00{MAIL}\x00"]


def sent(guard: Guard, messages: Sequence[Message]) -> list[str]:
    call = guard.begin(messages)
    return [one.arguments for message in call.messages for one in message.tool_calls]


def called(arguments: str, speaker: Speaker) -> Message:
    return Message(speaker=speaker, tool_calls=(ToolCall(id="1", name="t", arguments=arguments),))


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("speaker", [Speaker.ASSISTANT, Speaker.USER])
@pytest.mark.parametrize("before", [(), (Message(speaker=Speaker.USER, text="Hello"),)])
@pytest.mark.parametrize("after", [(), (Message(speaker=Speaker.USER, text="Go on"),)])
def test_no_withheld_value_goes_to_the_model_in_a_call(
    make_guard: Callable[..., Guard],
    arguments: str,
    speaker: Speaker,
    before: tuple[Message, ...],
    after: tuple[Message, ...],
) -> None:
    (given,) = sent(make_guard(), [*before, called(arguments, speaker), *after])
    assert MAIL not in given
    assert "EMAIL" in given


def test_a_call_that_holds_nothing_withheld_goes_as_it_is(make_guard: Callable[..., Guard]) -> None:
    assert sent(make_guard(), [called("not {json", Speaker.ASSISTANT)]) == ["not {json"]
