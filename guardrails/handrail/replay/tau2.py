"""Reads result files of tau2-bench: `simulations` beside `tasks`, flat calls, calls of both sides.

The person of a simulation has tools too: their own phone, their own account. Such calls and their answers are
no part of what the assistant sees: they are taken out of the messages and kept as `user_calls`.
"""

import gzip
import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

TRANSFER: Final = "transfer_to_human_agents"
"""The tool with which an assistant of tau-bench hands over to a person by itself."""

_GZIP: Final = b"\x1f\x8b"

Json = dict[str, Any]


@contextmanager
def as_lines(path: Path) -> Iterator[Path]:
    """Yield a file of JSON lines: the file itself, or one made of the simulations that it holds."""
    found = _simulations(path)
    if found is None:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        lines = Path(folder) / "simulations.jsonl"
        lines.write_text("".join(f"{json.dumps(record)}\n" for record in records_of(found)), encoding="utf-8")
        yield lines


def records_of(content: Mapping[str, Any]) -> Iterator[Json]:
    """Yield a record for each simulation of a result file, with the gold list of its task; pure."""
    listed = content.get("tasks")
    tasks = {str(task.get("id")): task for task in listed or () if isinstance(task, dict)}
    for simulation in content["simulations"]:
        if not isinstance(simulation, dict):
            yield {"messages": None}
            continue
        task = tasks.get(str(simulation.get("task_id")), {})
        criteria = task.get("evaluation_criteria")
        actions = criteria.get("actions") if isinstance(criteria, dict) else None
        record = {name: value for name, value in simulation.items() if name != "task"}
        if isinstance(actions, list):
            named = [action.get("name") for action in actions if isinstance(action, dict)]
            record |= {"gold_actions": actions, "gold_transfer": TRANSFER in named}
        yield record


def in_openai_format(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record with its messages in the OpenAI format; one that has them stays as it is. Pure."""
    reward = _reward(record)
    messages = record.get("messages")
    if not isinstance(messages, list) or not any(_is_flat(one) for one in messages):
        return record if reward is None else {**record, "reward": reward}
    kept: list[object] = []
    calls: list[Json] = []
    for message in _single(messages):
        if not isinstance(message, dict):
            kept.append(message)
        elif message.get("role") == "tool" and message.get("requestor") == "user":
            waiting = [call for call in calls if call["id"] == message.get("id") and "result" not in call]
            for call in waiting[:1]:
                call["result"] = message.get("content")
        elif message.get("role") == "tool":
            key = message.get("tool_call_id") or message.get("id")
            kept.append({"role": "tool", "tool_call_id": key, "content": message.get("content") or ""})
        elif message.get("role") == "user" and message.get("tool_calls"):
            calls += [{**call, "before": len(kept)} for call in message["tool_calls"] if _is_call(call)]
            if message.get("content"):
                kept.append({"role": "user", "content": message["content"]})
        else:
            kept.append(_assistant(message))
    found = {**record, "messages": kept, "user_calls": calls}
    return found if reward is None else {**found, "reward": reward}


def _simulations(path: Path) -> Json | None:
    """Return the content of a result file, None for any other file."""
    try:
        with path.open("rb") as plain:
            is_packed = plain.read(2) == _GZIP
        with gzip.open(path) if is_packed else path.open("rb") as file:
            first = file.readline()
            if not first.strip().startswith(b"{"):
                return None
            try:
                content = json.loads(first)
            except ValueError:
                content = json.loads(first + file.read())
    except (OSError, EOFError, ValueError, RecursionError, zlib.error):
        # What cannot be read this way is told by the reader of lines.
        return None
    is_result = isinstance(content, dict) and isinstance(content.get("simulations"), list)
    return content if is_result else None


def _reward(record: Mapping[str, Any]) -> float | None:
    info = record.get("reward_info")
    reward = info.get("reward") if isinstance(info, dict) and "reward" not in record else None
    return reward if isinstance(reward, int | float) and not isinstance(reward, bool) else None


def _is_flat(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    calls = message.get("tool_calls")
    is_flat = isinstance(calls, list) and any(_is_call(call) and "function" not in call for call in calls)
    return is_flat or "requestor" in message or "tool_messages" in message


def _is_call(call: object) -> bool:
    return isinstance(call, dict) and isinstance(call.get("name"), str)


def _single(messages: Sequence[object]) -> Iterator[object]:
    """Yield messages; several tool answers in one are yielded one by one."""
    for message in messages:
        inner = message.get("tool_messages") if isinstance(message, dict) else None
        if isinstance(inner, list):
            yield from inner
        else:
            yield message


def _assistant(message: Json) -> Json:
    calls = message.get("tool_calls")
    kept = {"role": message.get("role"), "content": message.get("content")}
    if isinstance(calls, list) and calls:
        kept["tool_calls"] = [_call(call) if _is_call(call) else call for call in calls]
    return kept


def _call(call: Json) -> Json:
    if "function" in call:
        return call
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": call.get("id"), "type": "function", "function": {"name": call["name"], "arguments": text}}
