"""What a model is called with beside its messages: descriptions of its tools, schemas, settings."""

from typing import Any

from handrail.errors import CheckFailed
from handrail.records import Message, Speaker
from handrail.text.structure import ITEM, REST, Form, Row, Structure
from handrail.text.values import read
from handrail.wire.objects import Said, rewritten, said_in

OPTIONS_NAME = "options"
"""Name of the message that holds what a model is called with beside its messages."""

_TOOL = ("tools", ITEM)
OPTIONS = Structure(
    (
        Row(
            tuple((*_TOOL, *path) for path in (("type",), ("name",), ("function", "name")))
            + tuple((name, "type") for name in ("tool_choice", "response_format", "thinking", "reasoning")),
            Form.NAME,
            "the name of a tool, or a kind",
        ),
        Row(
            tuple((name,) for name in ("model", "tool_choice", "service_tier", "reasoning_effort", "user")),
            Form.ID,
            "a setting of one word",
        ),
        Row(
            tuple(
                (name,)
                for name in (
                    *("temperature", "top_p", "top_k", "n", "seed", "max_tokens", "max_completion_tokens"),
                    *("frequency_penalty", "presence_penalty", "timeout", "top_logprobs", "logprobs"),
                )
            ),
            Form.COUNT,
            "a setting that is a number",
        ),
        Row((("logit_bias", REST),), Form.COUNT, "weights of tokens, by number"),
    ),
    fields=(
        "tools",
        "function",
        "name",
        "description",
        "parameters",
        "properties",
        "required",
        "items",
        "enum",
    ),
)


def read_options(options: dict[str, Any]) -> Said:
    """Read what a model is called with. Classes and functions are the program's own and say nothing."""
    if not options:
        return Said(())
    said = said_in(read(options), OPTIONS)
    own = {"callable", "unregistered"}
    return Said(said.leaves, tuple(code for code in said.unreadable if code not in own))


def options_message(said: Said) -> tuple[Message, ...]:
    """Return what the guard judges of them, in which the developer speaks; nothing if they say nothing."""
    if not said.leaves and not said.unreadable:
        return ()
    message = Message(
        speaker=Speaker.SYSTEM,
        name=OPTIONS_NAME,
        text=said.text,
        unreadable=said.unreadable,
        fixed=said.fixed,
        runs=said.runs,
    )
    return (message,)


def write_options(options: dict[str, Any], said: Said, text: str) -> dict[str, Any]:
    """Return the options that may go to the model.

    Raises:
        CheckFailed: something in them cannot be withheld.
    """
    if text == said.text:
        return options
    written = rewritten(options, said, text)
    if written is None:
        raise CheckFailed("wire", why="a changed option has no place to go")
    return written
