"""Reads YAML into plain values that remember their place in the file; strict, and safe on hostile input."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from handrail.errors import PolicyError
from handrail.policy.file.read import MAX_BYTES

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

MAX_DEPTH, MAX_VALUES = 20, 100_000
MAX_HINTED = 300

Scalar: TypeAlias = str | int | bool | Decimal | None
Path: TypeAlias = tuple[str | int, ...]

_BEGINS_WITH_QUOTE = re.compile(r":\s+\"[^\"]*\"\s+\S")
_BRACKET_IN_BRACES = re.compile(r"\{.*\bwhen:\s+[^'\"{}]*\bin\s*\[")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_DECIMAL = re.compile(r"[+-]?\d{1,18}\.\d{1,18}")


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1. `is_block` marks a scalar written with `|` or `>`."""

    line: int
    column: int
    is_block: bool = False


class Document:
    """One YAML document: its plain value, and the place of every key and value.

    Text stays text: `no` and `12:30` are what they look like. Only `true`, `false`, `null` and plain numbers
    are read as such. Anchors, aliases, tags, merge keys and duplicate keys are errors.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.values: dict[Path, Position] = {}
        self.keys: dict[Path, Position] = {}
        self.value: Any = _Reader(self).read(text)

    def drop(self, path: Path) -> None:
        """Leave out a value, as if the file did not hold it; places of what is left stay what they are."""
        *above, last = path
        holder = self.value
        for step in above:
            holder = holder[step]
        del holder[last]
        self.values = _without(self.values, tuple(above), last)
        self.keys = _without(self.keys, tuple(above), last)

    def rename(self, path: Path, key: str) -> None:
        """Let a key stand for another one, as if the file held that; its place stays."""
        *above, last = path
        holder = self.value
        for step in above:
            holder = holder[step]
        holder[key] = holder.pop(last)
        new = (*above, key)
        for places in (self.values, self.keys):
            for old in [one for one in places if one[: len(path)] == path]:
                places[(*new, *old[len(path) :])] = places.pop(old)

    def error(self, problem: str, path: Path = (), *, at_key: bool = False) -> PolicyError:
        """Return an error that points at a path, or at its nearest parent in the file."""
        position = self.position(path, at_key=at_key)
        return PolicyError(problem, file=self.file, line=position.line, column=position.column)

    def position(self, path: Path, *, at_key: bool = False) -> Position:
        """Return the place of a path, or of its nearest parent."""
        places = (self.keys, self.values) if at_key else (self.values, self.keys)
        while path:
            for place in places:
                if path in place:
                    return place[path]
            path = path[:-1]
        return Position(1, 1)


def _without(places: dict[Path, Position], above: Path, gone: str | int) -> dict[Path, Position]:
    """Return places by path once a value is gone; later items of a list move up."""
    found: dict[Path, Position] = {}
    for path, place in places.items():
        step = path[len(above)] if path[: len(above)] == above and len(path) > len(above) else None
        if step == gone:
            continue
        if not isinstance(step, int) or not isinstance(gone, int) or step < gone:
            found[path] = place
        else:
            found[(*above, step - 1, *path[len(above) + 1 :])] = place
    return found


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0

    def read(self, text: str) -> Any:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
            raise self.document.error(f"larger than {MAX_BYTES} bytes")
        events = YAML(typ="safe", pure=True).parse(text)
        try:
            return self._document(events)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
            lines = text.splitlines()
            hint = _hint(lines[line - 1][:MAX_HINTED] if line <= len(lines) else "")
            problem = f"not readable as YAML: {error.problem or error.context or 'unknown problem'}{hint}"
            raise PolicyError(problem, file=self.document.file, line=line, column=column) from None
        except YAMLError as error:
            raise self.document.error(f"not readable as YAML: {_first_line(error)}") from None

    def _document(self, events: Iterator["Event"]) -> Any:
        from ruamel.yaml.events import DocumentStartEvent, StreamEndEvent, StreamStartEvent

        value: Any = None
        seen = False
        for event in events:
            if isinstance(event, DocumentStartEvent):
                if seen:
                    raise self._problem("a file holds one document only", event)
                seen = True
                value = self._value(next(events), events, (), 0)
            elif not isinstance(event, StreamStartEvent | StreamEndEvent):
                continue
        return value

    def _value(self, event: "Event", events: Iterator["Event"], path: Path, depth: int) -> Any:
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._problem("anchors and aliases are not allowed; write it out", event)
        if depth > MAX_DEPTH:
            raise self._problem(f"nested deeper than {MAX_DEPTH} levels", event)
        self.count += 1
        if self.count > MAX_VALUES:
            raise self._problem(f"more than {MAX_VALUES} values", event)
        if getattr(event, "tag", None) is not None:
            raise self._problem("tags are not allowed", event)
        self.document.values[path] = _position(event)
        if isinstance(event, ScalarEvent):
            return _scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path, depth)
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path, depth)
        raise self._problem("not understood", event)

    def _sequence(self, events: Iterator["Event"], path: Path, depth: int) -> list[Any]:
        from ruamel.yaml.events import SequenceEndEvent

        items: list[Any] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self._value(event, events, (*path, len(items)), depth + 1))
        return items

    def _mapping(self, events: Iterator["Event"], path: Path, depth: int) -> dict[str, Any]:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        found: dict[str, Any] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or event.anchor is not None or event.tag is not None:
                raise self._problem("a key is plain text", event)
            key = str(event.value)
            if key == "<<" and event.style is None:
                raise self._problem("merge keys are not allowed; write it out", event)
            if key in found:
                raise self._problem(f"duplicate key '{key[:60]}'", event)
            self.document.keys[(*path, key)] = _position(event)
            found[key] = self._value(next(events), events, (*path, key), depth + 1)
        return found

    def _problem(self, problem: str, event: "Event") -> PolicyError:
        position = _position(event)
        return PolicyError(problem, file=self.document.file, line=position.line, column=position.column)


def _position(event: "Event") -> Position:
    mark = event.start_mark
    style = getattr(event, "style", None)
    quoted = style in ("'", '"')
    return Position(mark.line + 1, mark.column + 1 + quoted, style in ("|", ">"))


def _scalar(event: Any) -> Scalar:
    text = str(event.value)
    if event.style is not None:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text


def _hint(line: str) -> str:
    """Say how to write an expression that YAML itself trips over."""
    if "\t" in line:
        return "; YAML takes no tabs, write spaces"
    if _BEGINS_WITH_QUOTE.search(line):
        return "; put the whole expression in single quotes, or write 'set has \"item\"'"
    if _BRACKET_IN_BRACES.search(line):
        return "; inside { } put an expression with [ ] in single quotes"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:120] if str(error).strip() else "unknown problem"
