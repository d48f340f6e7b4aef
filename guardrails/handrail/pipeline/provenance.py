"""Where the value of a tool argument was first seen, and whether the person agreed before the call."""

import json
import re
from collections.abc import Sequence
from typing import Any

from handrail.records import Message, Speaker
from handrail.signals.assent import agrees
from handrail.text.edges import holds_whole
from handrail.text.json_data import leaves


def came_from(value: object, messages: Sequence[Message]) -> str:
    """Tell where a value stands: `tool_result`, `user_text`, `both` or `nowhere`.

    A tool result counts when some value in it equals `value`; a text when `value` stands there as a whole
    word, with or without thousands separators and trailing zeros.
    """
    forms = _forms(value)
    in_result = any(
        forms & _forms(leaf)
        for message in messages
        if message.speaker is Speaker.TOOL
        for _, leaf in leaves(_json(message.text))
    )
    in_text = any(
        form and holds_whole(message.text, form)
        for message in messages
        if message.speaker is Speaker.USER
        for form in forms
    )
    if in_result and in_text:
        return "both"
    return "tool_result" if in_result else "user_text" if in_text else "nowhere"


def confirmed_after(messages: Sequence[Message]) -> bool:
    """Tell whether the person's last words agree with what the assistant proposed just before them.

    Only a clear yes in reply to a message of the assistant counts; in doubt there was none.
    """
    last = next((i for i in range(len(messages) - 1, -1, -1) if messages[i].speaker is Speaker.USER), None)
    if last is None or not any(m.speaker is Speaker.ASSISTANT and m.text for m in messages[:last]):
        return False
    return agrees(messages[last].text)


def _forms(value: object) -> set[str]:
    if isinstance(value, bool) or value is None:
        return {str(value).lower()}
    text = str(value).strip().casefold()
    bare = text.replace(",", "").lstrip("$€£")
    if re.fullmatch(r"-?\d+(\.\d+)?", bare):
        whole = bare.rstrip("0").rstrip(".") if "." in bare else bare
        return {whole}
    return {text}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


_FAILED = re.compile(
    r"\s*(?:error\b|failed\b|failure\b|exception\b|not found\b|none\s*$|null\s*$|$)", re.IGNORECASE
)
_SAYS_FAILED = ("error", "errors", "exception", "is_error", "isError")
_SAYS_DONE = ("ok", "success", "found")


def has_succeeded(messages: Sequence[Message], tool: str) -> bool:
    """Tell whether a tool has answered in this conversation with anything but a failure; pure.

    A failure is an answer that begins with `error` or another word for it, or is empty, or JSON data that is
    null or says so of itself (`error`, `ok: false`). A look-up that found nobody proves nothing.
    """
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    answers = (
        message.text
        for message in messages
        if message.speaker is Speaker.TOOL and tool in (message.name, names.get(message.tool_call_id or ""))
    )
    return any(not _is_failure(text) for text in answers)


def _is_failure(text: str) -> bool:
    if _FAILED.match(text):
        return True
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(data, dict):
        return data in (None, False, "", [])
    is_refused = any(data.get(name) is False for name in _SAYS_DONE)
    return not data or is_refused or any(data.get(name) for name in _SAYS_FAILED)
