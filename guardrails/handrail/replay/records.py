"""Reads recorded conversations in the OpenAI message format: JSON lines, gzip or plain, or Parquet."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handrail.bulk.chunks import chunks_of, records_in
from handrail.policy.runtime.log_row import OUTCOMES
from handrail.records import Message, Speaker, ToolCall
from handrail.replay.tau2 import TRANSFER, as_lines, in_openai_format
from handrail.wire.chat import read_request

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedConversation:
    """One recorded conversation, and how it ended where the file says so.

    `is_failed` is read from `reward` (below 1 is failed), `gold` from `gold_actions`: the calls that the task
    really asked for. `raw` is the whole record, for the caller's fact source.
    """

    line: int
    task: str
    messages: tuple[Message, ...]
    is_failed: bool | None = None
    gold: tuple[ToolCall, ...] | None = None
    wants_transfer: bool | None = None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableLine:
    """A line that holds no conversation; `problem` says why, without its text."""

    line: int
    problem: str


class _NoConversation(ValueError):
    pass


def read_records(path: Path) -> Iterator[RecordedConversation | UnreadableLine]:
    """Yield the conversations of a file; a line that holds none is yielded as a `UnreadableLine`.

    Raises:
        ConfigError: the file cannot be read at all.
    """
    with as_lines(path) as lines:
        for chunk in chunks_of(lines):
            for line, record in records_in(chunk):
                yield read_record(line, record)


def read_record(line: int, record: object) -> RecordedConversation | UnreadableLine:
    """Read the JSON of a line, None for a line that is none; pure."""
    try:
        return _conversation(line, record)
    except _NoConversation as problem:
        return UnreadableLine(line=line, problem=str(problem))


def _conversation(line: int, raw: object) -> RecordedConversation:
    if raw is None:
        raise _NoConversation("not JSON")
    if not isinstance(raw, dict):
        raise _NoConversation("not a JSON object")
    if "messages" not in raw and raw.get("outcome") in OUTCOMES:
        raise _NoConversation("a row of the decision log holds no words; try `handrail policy backtest`")
    raw = in_openai_format(raw)
    messages = _messages(raw)
    reward = raw.get("reward")
    transfer = raw.get("gold_transfer")
    return RecordedConversation(
        line=line,
        task=str(raw.get("task_id", line)),
        messages=messages,
        is_failed=reward < 1 if isinstance(reward, int | float) else None,
        gold=gold_calls(raw.get("gold_actions")),
        wants_transfer=transfer if isinstance(transfer, bool) else _transfers(raw.get("gold_actions")),
        raw=raw,
    )


def _messages(raw: Mapping[str, Any]) -> tuple[Message, ...]:
    given = raw.get("messages")
    if not isinstance(given, list) or not given:
        raise _NoConversation("no `messages`")
    for index, message in enumerate(given):
        if not isinstance(message, dict):
            raise _NoConversation(f"message {index} is no object")
        if message.get("role") not in _ROLES:
            raise _NoConversation(f"message {index} has no role that is known")
        if not isinstance(message.get("content"), str | list | None):
            raise _NoConversation(f"message {index} has no readable content")
        _check_calls(index, message.get("tool_calls"))
    messages = read_request({"messages": given}).messages
    if not any(message.speaker is Speaker.ASSISTANT for message in messages):
        raise _NoConversation("no message of an assistant")
    return messages


def _transfers(actions: object) -> bool | None:
    """Tell whether a gold list hands over to a person, None without one."""
    if not isinstance(actions, list):
        return None
    return any(isinstance(action, dict) and action.get("name") == TRANSFER for action in actions)


def _check_calls(index: int, calls: object) -> None:
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise _NoConversation(f"message {index} has a tool call without a function")


def gold_calls(given: object) -> tuple[ToolCall, ...] | None:
    """Read a list of correct calls, each with `name` and `kwargs` or `arguments`; None if it is no list."""
    if not isinstance(given, list):
        return None
    calls = []
    for index, action in enumerate(given):
        if not isinstance(action, dict) or not isinstance(action.get("name"), str):
            raise _NoConversation(f"gold action {index} has no name")
        if action.get("requestor") == "user":
            # What the person does on their side is no call of the assistant.
            continue
        arguments = action.get("kwargs", action.get("arguments", {}))
        calls.append(ToolCall(id=f"gold-{index}", name=action["name"], arguments=json.dumps(arguments)))
    return tuple(calls)
