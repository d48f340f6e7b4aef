"""JSON: its leaves where it is data, and its tokens where it is a text.

The layout of a text (spaces, order, escapes of what did not change, keys given twice) is kept to the
character when strings in it are replaced.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

LeafPath: TypeAlias = tuple[str | int, ...]
"""Where a leaf lies in JSON data: keys of objects and indexes of lists."""


def leaves(value: object, path: LeafPath = ()) -> Iterator[tuple[LeafPath, object]]:
    """Yield every leaf of JSON data (texts, numbers, booleans, null) with its path; pure."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def mapped(
    value: object,
    change: Callable[[LeafPath, object], object],
    *,
    key: Callable[[str], str] = str,
    path: LeafPath = (),
) -> object:
    """Return JSON data with every leaf, and every key, replaced by what a function makes of it."""
    if isinstance(value, Mapping):
        return {key(name): mapped(item, change, key=key, path=(*path, name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [mapped(item, change, key=key, path=(*path, index)) for index, item in enumerate(value)]
    return change(path, value)


def written(path: LeafPath) -> str:
    """Write a path as people do: `items[0].amount`; pure."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\]]|:', re.DOTALL)
# Where JSON may begin in prose: at the start of a line, or behind what introduces it.
_MAY_BEGIN = re.compile(r"(?:^|(?<=[\s:=(>`]))[{\[](?=\s*[\"{\[\]}\d\-tfn])", re.MULTILINE)
MOST_FAILURES = 32
"""How many places of a text that look like JSON and are none are tried, for each costs its length."""

MAY_BE_JSON = frozenset('{["') | frozenset(" \t\n\r")
"""First characters of what could be JSON; nearly every other text is told apart by this alone."""


@dataclass(frozen=True, slots=True)
class JsonToken:
    """A string, key or number of a JSON text; `start` and `end` (exclusive) count characters of the text.

    `place` tells them apart by the keys that lead to them, a key by those of what holds it; items of a list
    are at one place, with a `*`.
    """

    kind: Literal["string", "key", "number"]
    start: int
    end: int
    text: str
    place: str = ""


def json_tokens(text: str) -> tuple[JsonToken, ...] | None:
    """Return the strings, keys and numbers of a JSON object, list or string; None if it is none. Pure."""
    if text.lstrip(" \t\n\r")[:1] not in {"{", "[", '"'}:
        return None
    try:
        json.loads(text, parse_int=_kept, parse_float=_kept)
    except (ValueError, RecursionError):
        return None
    tokens: list[JsonToken] = []
    way: list[str] = []
    for match in _TOKEN.finditer(text):
        first = match[0][0]
        if first == '"':
            said = json.loads(match[0])
            tokens.append(JsonToken("string", match.start(), match.end(), said, "/".join(way)))
        elif first == ":":
            last = tokens[-1]
            tokens[-1] = JsonToken("key", last.start, last.end, last.text, "/".join(way[:-1]))
            way[-1] = last.text.replace("*", "").replace("/", "")
        elif first in "{[":
            way.append("*" if first == "[" else "")
        elif first in "]}":
            way.pop()
        else:
            tokens.append(JsonToken("number", match.start(), match.end(), match[0], "/".join(way)))
    return tuple(tokens)


class JsonSegment(NamedTuple):
    """JSON within a text; `start` and `end` count characters of the text, those of `tokens` from `start`."""

    start: int
    end: int
    tokens: tuple[JsonToken, ...]


def json_segments(text: str) -> list[JsonSegment]:
    """Return the JSON objects and lists in a text, or the text itself where it is JSON as a whole. Pure."""
    if "{" not in text and "[" not in text and text.lstrip()[:1] != '"':
        return []
    whole = json_tokens(text)
    if whole is not None:
        return [JsonSegment(0, len(text), whole)] if whole else []
    found: list[JsonSegment] = []
    at, failures = 0, 0
    while failures < MOST_FAILURES and (opening := _MAY_BEGIN.search(text, at)) is not None:
        start = opening.start()
        try:
            _, end = _decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at, failures = start + 1, failures + 1
            continue
        at = end
        tokens = json_tokens(text[start:end])
        # A number in brackets is a note in prose.
        if tokens and any(token.kind != "number" for token in tokens):
            found.append(JsonSegment(start, end, tokens))
    return found


def with_tokens(text: str, changes: Mapping[int, str]) -> str:
    """Return the text with other strings at some tokens, each named by its `start`; pure."""
    tokens = {token.start: token for token in json_tokens(text) or ()}
    plain = text.isascii()
    out, at = [], 0
    for start in sorted(changes):
        token = tokens[start]
        out += [text[at:start], json.dumps(changes[start], ensure_ascii=plain)]
        at = token.end
    return "".join([*out, text[at:]])


def _kept(number: str) -> str:
    return number


_decoder = json.JSONDecoder(parse_int=_kept, parse_float=_kept)
