"""What a request asks for, whatever provider it is meant for, and careful reading of foreign JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from handrail.records import Message

Json: TypeAlias = dict[str, object]

HandoffShape: TypeAlias = Literal["auto", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request to a model, as far as the guard needs to know it.

    `n` counts the answers asked for. `wants_json` asks for structured output; `is_structured` too, or for
    strict tools, so that a notice has to be written as a refusal.
    """

    messages: tuple[Message, ...]
    model: str | None = None
    stream: bool = False
    n: int = 1
    wants_logprobs: bool = False
    wants_json: bool = False
    is_structured: bool = False
    tools: tuple[str, ...] = ()

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Kinds of content that no scanner here can read, each once, sorted."""
        return tuple(sorted({kind for message in self.messages for kind in message.unreadable}))


def text_of(value: object) -> str:
    """Return a string as it is, anything else as empty."""
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> Json:
    """Return a JSON object as it is, anything else as empty."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Json]:
    """Return the JSON objects of a list, none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def whole_of(value: object, default: int) -> int:
    """Return a whole number as it is, anything else as the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def kind_of(value: object) -> str:
    """Return a content kind if it looks like one; foreign text must not travel as a kind."""
    text = text_of(value)
    return text if 0 < len(text) <= 40 and text.isascii() and text.replace("_", "").isalnum() else "unknown"


def has_text(value: object) -> bool:
    """True when a JSON value holds a string that says something anywhere inside."""
    if isinstance(value, str):
        return bool(value)
    if isinstance(value, Mapping):
        return any(has_text(inner) for inner in value.values())
    return isinstance(value, Sequence) and any(has_text(inner) for inner in value)


def load_object(data: bytes) -> Json | None:
    """Return JSON bytes as an object, None if they are something else."""
    try:
        value = json.loads(data.decode())
    except ValueError:
        # A mark at its beginning or another encoding, which only bytes are searched for.
        try:
            value = json.loads(data)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def dump_object(body: Json) -> bytes:
    """Return an object as compact JSON bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
