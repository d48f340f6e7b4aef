"""JSON from outside, read without trust in its shape: what is not as expected reads as empty."""

import json
from collections.abc import Mapping
from typing import TypeAlias

Json: TypeAlias = dict[str, object]


def text_of(value: object) -> str:
    """Return a string as it is, anything else as empty."""
    return value if isinstance(value, str) else ""


def mapping_of(value: object) -> Json:
    """Return a JSON object as it is, anything else as empty."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Json]:
    """Return the JSON objects of a list, none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def json_text_of(value: object) -> str:
    """Return a string as it is, nothing as empty, and anything else as JSON text."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def whole_of(value: object, default: int) -> int:
    """Return a whole number as it is, anything else as the default."""
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def kind_of(value: object) -> str:
    """Return a content kind if it looks like one; foreign text must not travel as a kind."""
    text = text_of(value)
    return text if 0 < len(text) <= 40 and text.isascii() and text.replace("_", "").isalnum() else "unknown"


def load_object(data: str | bytes) -> Json | None:
    """Return JSON text as an object, None if it is something else, or if it gives a key twice.

    Of two values under one key a reader knows only the last; another may take the first.
    """
    try:
        value = _STRICT.decode(data if isinstance(data, str) else data.decode())
    except (ValueError, RecursionError):
        # A byte order mark or another encoding, which json looks for in bytes only.
        try:
            value = json.loads(data, object_pairs_hook=_once)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def load_text(data: str) -> str | None:
    """Return JSON text as a string, None if it is something else."""
    try:
        value = _STRICT.decode(data)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _once(pairs: list[tuple[str, object]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is given twice")
    return value


# Made once: to make one takes as long as to read an event of a stream.
_STRICT = json.JSONDecoder(object_pairs_hook=_once)


def dump_object(body: Mapping[str, object]) -> bytes:
    """Return an object as compact JSON bytes."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which a model can write and UTF-8 cannot; JSON can, escaped.
        return json.dumps(body, separators=(",", ":")).encode()
